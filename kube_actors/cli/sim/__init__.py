"""``kube-actors sim``: run seeds, replay one, shrink a failing one, judge a history."""
