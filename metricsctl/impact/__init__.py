"""What a change moves: reach over the lineage graph, probability, score, gates."""
