"""Controllers of what leads traffic to pods: EndpointSlices and Endpoints, from one reckoning."""
