"""Lines and captures: what a telephone line delivers, in the decoder's units. Never knows what an alarm is."""
