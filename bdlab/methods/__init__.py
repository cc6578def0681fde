"""The rivals of Fig. 1 and Tables I-III: one small file each, built from the base-derivative network's own parts.

Every one is trained under the paper's protocol (section III-C: data, batches, backbone, schedule), so that rows differ by their
method alone. None claims its authors' numbers: each docstring says what it keeps of the original and what it leaves out.
"""

from . import adversarial, agw, asymmetric, gan, one_stream, ranking, x_modality

#: name of ``Run.method`` -> builder of (network, objective)
RIVALS = {
    "one-stream": one_stream.one_stream,
    "zero-padding": one_stream.zero_padding,
    "asymmetric": asymmetric.build,
    "bdtr": ranking.build,
    "cmgan": adversarial.build,
    "x-modality": x_modality.build,
    "agw": agw.build,
    "gan": gan.build,
}
