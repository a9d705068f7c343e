"""Networks, the engines that train them, and all replicates of a run side by side."""
