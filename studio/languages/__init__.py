"""In which languages people are spoken to: which there are, their texts and figures, and who hears which."""
