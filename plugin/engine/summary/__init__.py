"""What a training leaves behind: scores, pages and a gallery of predictions."""
