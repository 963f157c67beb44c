"""New projects: their files, the version of Carousel that they are for, and what an upgrade changes."""
