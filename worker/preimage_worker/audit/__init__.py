"""What codes of pictures give away: attacks on the owner's own pictures, and their measure."""
