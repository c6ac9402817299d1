"""torch.compile: torch's norms as inductor generates them in C++, compiled anew for whatever its guards tell apart."""

import torch
import torch.nn.functional as F

# A call that needs one compilation too many would run eagerly in silence, and eager torch would be what is checked.
torch._dynamo.config.recompile_limit = torch._dynamo.config.accumulated_recompile_limit = 10_000
torch._dynamo.config.fail_on_recompile_limit_hit = True

PACKAGE = "torch"

_compiled = torch.compile(fullgraph=True, dynamic=True)

layer_norm = _compiled(F.layer_norm)
rms_norm = _compiled(F.rms_norm)
batch_norm = _compiled(F.batch_norm)
group_norm = _compiled(F.group_norm)
instance_norm = _compiled(F.instance_norm)


@_compiled
def deep_norm(x, sublayer_output, alpha, normalized_shape, weight=None, bias=None, eps=1e-5):
    return F.layer_norm(alpha * x + sublayer_output, normalized_shape, weight, bias, eps)
