"""What a response depends on, told to CloudFront as cache tags."""
