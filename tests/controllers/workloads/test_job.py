"""Jobs: completions, parallelism, failures, deadlines, indexes, cleaning up."""

from kube_actors.controllers.workloads import JOB
from tests.controllers.objects import condition
from tests.controllers.world import World, timestamp


def job(name="work", **spec):
    template = {"spec": {"containers": [{"name": "main", "image": "v1"}], "restartPolicy": "Never"}}
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": name, "namespace": "default"},
        "spec": {"parallelism": 1, "completions": 1, "backoffLimit": 6}
        | spec
        | {"template": template},
    }


def active(world):
    return [
        one["metadata"]["name"]
        for one in world.all("pods")
        if one["status"]["phase"] not in ("Succeeded", "Failed")
    ]


def end(world, phase, *names):
    for name in names or active(world):
        finished = {"finishedAt": timestamp(world.now_s)}
        containers = [{"state": {"terminated": finished}}]
        world.edit("Pod", name, {"status": {"phase": phase, "containerStatuses": containers}})


def status(world):
    return world.get("Job", "work")["status"]


def test_a_job_runs_its_pod_and_completes():
    world = World(job())
    world.settle(JOB)
    assert (status(world)["active"], len(active(world))) == (1, 1)
    assert status(world)["startTime"]
    end(world, "Succeeded")
    world.settle(JOB)
    done = condition(world.get("Job", "work"), "Complete")
    assert (done["status"], done["reason"]) == ("True", "CompletionsReached")
    assert (status(world)["succeeded"], "active" in status(world)) == (1, False)
    assert status(world)["completionTime"]
    assert world.events == ["Job Completed: Job completed"]


def test_no_more_pods_run_than_parallelism_and_completions_need():
    world = World(job(parallelism=3, completions=5))
    world.settle(JOB)
    assert len(active(world)) == 3
    end(world, "Succeeded")
    world.settle(JOB)
    assert len(active(world)) == 2
    world.edit("Job", "work", {"spec": {"parallelism": 1}})
    world.settle(JOB)
    assert len(active(world)) == 1


def test_a_failed_pod_is_replaced_after_a_growing_delay():
    world = World(job())
    world.settle(JOB)
    for delay_s in (10, 20, 40):
        end(world, "Failed")
        world.settle(JOB)
        assert active(world) == []
        world.now_s += delay_s - 1
        world.settle(JOB)
        assert active(world) == []
        world.now_s += 1
        world.settle(JOB)
        assert len(active(world)) == 1


def test_too_many_failures_end_the_job_and_its_other_pods():
    world = World(job(parallelism=2, completions=4, backoffLimit=0))
    world.settle(JOB)
    end(world, "Failed", active(world)[0])
    world.settle(JOB)
    assert active(world) == []
    found = condition(world.get("Job", "work"), "Failed")
    assert found["reason"] == "BackoffLimitExceeded"
    assert found["message"] == "Job has reached the specified backoff limit"


def test_a_job_ends_at_its_deadline():
    world = World(job(activeDeadlineSeconds=30))
    world.settle(JOB)
    world.now_s += 30
    world.settle(JOB)
    assert condition(world.get("Job", "work"), "Failed")["reason"] == "DeadlineExceeded"
    assert active(world) == []


def test_the_final_condition_waits_until_no_pod_is_left():
    world = World(job(parallelism=2, completions=None))
    world.settle(JOB)
    world.run()
    world.edit("Job", "work", {"spec": {"activeDeadlineSeconds": 1}})
    world.now_s += 5
    world.settle(JOB)
    assert condition(world.get("Job", "work"), "FailureTarget")["status"] == "True"
    assert condition(world.get("Job", "work"), "Failed") == {}
    world.finish()
    world.settle(JOB)
    assert condition(world.get("Job", "work"), "Failed")["status"] == "True"


def test_a_suspended_job_has_no_pods_until_it_is_resumed():
    world = World(job(suspend=True))
    world.settle(JOB)
    assert active(world) == []
    assert condition(world.get("Job", "work"), "Suspended")["status"] == "True"
    world.edit("Job", "work", {"spec": {"suspend": False}})
    world.settle(JOB)
    assert len(active(world)) == 1
    assert condition(world.get("Job", "work"), "Suspended")["reason"] == "JobResumed"


def test_each_index_is_given_to_one_pod():
    world = World(job(completionMode="Indexed", parallelism=2, completions=3))
    world.settle(JOB)
    note = "batch.kubernetes.io/job-completion-index"
    indexes = [one["metadata"]["annotations"][note] for one in world.all("pods")]
    assert sorted(indexes) == ["0", "1"]
    environment = world.all("pods")[0]["spec"]["containers"][0]["env"]
    assert environment[0]["name"] == "JOB_COMPLETION_INDEX"
    end(world, "Succeeded")
    world.settle(JOB)
    assert status(world)["completedIndexes"] == "0-1"
    end(world, "Succeeded")
    world.settle(JOB)
    assert status(world)["completedIndexes"] == "0-2"
    assert condition(world.get("Job", "work"), "Complete")["status"] == "True"


def test_a_finished_job_is_deleted_after_its_time_to_live():
    world = World(job(ttlSecondsAfterFinished=60))
    world.settle(JOB)
    end(world, "Succeeded")
    world.settle(JOB)
    world.now_s += 59
    world.settle(JOB)
    assert "deletionTimestamp" not in world.get("Job", "work")["metadata"]
    world.now_s += 1
    world.settle(JOB)
    assert "deletionTimestamp" in world.get("Job", "work")["metadata"]


def test_an_index_that_succeeded_twice_counts_once():
    world = World(job(completionMode="Indexed", completions=2))
    world.settle(JOB)
    end(world, "Succeeded")
    twin = world.all("pods")[0]
    meta = {key: twin["metadata"][key] for key in ("annotations", "ownerReferences")}
    world.create({**twin, "metadata": {"name": "twin", **meta}})
    world.settle(JOB)
    assert status(world)["succeeded"] == 1
    assert len(active(world)) == 1


def test_without_completions_the_first_success_ends_the_making_of_pods():
    world = World(job(parallelism=3, completions=None))
    world.settle(JOB)
    end(world, "Succeeded", active(world)[0])
    world.settle(JOB)
    assert len(active(world)) == 2
    assert condition(world.get("Job", "work"), "Complete") == {}
    end(world, "Succeeded")
    world.settle(JOB)
    assert condition(world.get("Job", "work"), "Complete")["status"] == "True"


def test_a_job_that_is_being_deleted_makes_no_more_pods():
    world = World(job())
    world.settle(JOB)
    world.delete("Job", "work", propagation="Foreground")
    world.delete("Pod", active(world)[0])
    world.settle(JOB)
    assert world.all("pods") == []
