"""What notebooks stand on: numbers, figures and explorers. This file imports nothing."""
