import json
from functools import partial

from lcgan_core.cohort.insilico.writer import write_patient


def write_cohort(folder, patients, seed, matrix, slices, parallel=map):
    folder.mkdir(parents=True, exist_ok=True)
    for _ in parallel(partial(write_patient, folder, seed=seed, matrix=matrix, slices=slices), range(1, patients+1)):
        pass
    (folder / "labels.json").write_text(json.dumps({"1":"IPH","2":"IVH","3":"SAH","4":"EDH","5":"SDH"}))
