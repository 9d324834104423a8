"""What event codes mean: number, our wording, category."""
