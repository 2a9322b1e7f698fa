"""Terminal batches: closing them, and what each came to."""
