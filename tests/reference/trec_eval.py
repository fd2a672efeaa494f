"""What trec_eval makes of a run: JSON of {query: {measure: value}}, by pytrec_eval.

    PYTHONPATH=<where pytrec-eval-terrier lies> python3 trec_eval.py QRELS RUN

The compiled module is called directly: the package around it needs numpy, which nothing here does.
"""

import collections
import json
import sys

from pytrec_eval_ext import RelevanceEvaluator

MEASURES = {"ndcg_cut.10", "recip_rank", "map", "recall.10,100", "P.10"}

qrels, run = collections.defaultdict(dict), collections.defaultdict(dict)
with open(sys.argv[1]) as lines:
    for query, _, member, grade in map(str.split, lines):
        qrels[query][member] = int(grade)
with open(sys.argv[2]) as lines:
    for query, _, member, _, score, _ in map(str.split, lines):
        run[query][member] = float(score)
json.dump(RelevanceEvaluator(qrels, MEASURES).evaluate(run), sys.stdout)
