"""Did the predicted metrics really move? The series before and after a change."""
