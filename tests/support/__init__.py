"""What several tests share: projects, servers, a browser."""
