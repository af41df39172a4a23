package diagnose

import (
	"fmt"
	"strings"
	"time"
)

// hooks are the notes of preStop hooks that failed when earlier pods of the set's names were ended: the present ones will end alike. Who deleted
// the pods is not looked at.
func (v *view) hooks() []Finding {
	var found []Finding
	for n := v.start(); n < v.start()+v.replicas(); n++ {
		name := v.podName(n)
		p := v.pod(name)
		e := v.newest("Pod", name, "", "FailedPreStopHook")
		if e == nil || p == nil || e.InvolvedObject.UID == "" || e.InvolvedObject.UID == p.UID || v.now.Sub(at(e)) > time.Hour {
			continue
		}
		pod := v.ref("pod", name)
		f := Finding{
			Cause: Note, Area: Termination, Object: pod, Path: []Ref{v.setRef(), pod}, What: "had its preStop hook fail when it was last ended, and will again",
			Seen:     fmt.Sprintf("the earlier pod %s was ended %s ago", name, v.ago(at(e))),
			Evidence: []Evidence{eventEvidence(e)},
			Why:      "after a hook that fails the containers are ended as without one: what it was to do is not done, or not to its end",
			Do:       []string{"run the hook's command by hand in a container of that image, and correct it in the set's template"},
			Look:     []string{kubectl(pod, "get pod %s -o jsonpath='{.spec.containers[*].lifecycle.preStop}'", name)},
		}
		for _, k := range v.events("Pod", name, e.InvolvedObject.UID, "Killing") {
			grace := v.inspect(p, nil).grace()
			if strings.HasPrefix(k.Message, "Stopping container") && at(e).Sub(at(k)) >= grace {
				f.What = fmt.Sprintf("had its preStop hook cut off when it was last ended, and will again: it takes longer than the grace period of %s", lasted(grace))
				f.Evidence = append(f.Evidence, eventEvidence(k), Evidence{pod, "spec.terminationGracePeriodSeconds", fmt.Sprint(int(grace.Seconds()))})
				f.Why = "the hook and the program together have the grace period: a hook that uses it up leaves the program two seconds, and then it is killed"
				f.Do = []string{"raise terminationGracePeriodSeconds in the set's template above what the hook and the program need together, or have the hook do less"}
			}
		}
		found = append(found, f)
	}
	return found
}
