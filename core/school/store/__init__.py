"""The rows of the school context, one file for each of its parts."""
