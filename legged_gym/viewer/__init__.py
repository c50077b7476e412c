"""A web page that shows what a policy does, and takes wishes: scene, panels, charts as small classes."""
