"""The engines that can run a plan, one package or file each."""
