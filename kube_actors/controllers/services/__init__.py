"""Controllers of what leads traffic to pods: EndpointSlices and Endpoints, from one reckoning."""

from kube_actors.controllers.services.endpoints import ENDPOINTS
from kube_actors.controllers.services.endpointslice import ENDPOINTSLICE

__all__ = ["ENDPOINTS", "ENDPOINTSLICE"]
