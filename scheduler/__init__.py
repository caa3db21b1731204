"""What happens by itself: the clock's ticks and the one door out."""
