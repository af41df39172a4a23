package contract

// The family termination: how pods end.
const (
	TerminationGraceful   ID = "termination/graceful"
	TerminationReverse    ID = "termination/reverse"
	TerminationCascade    ID = "termination/cascade"
	TerminationNoRecreate ID = "termination/no-recreate"
)

func termination() []Guarantee {
	return []Guarantee{{
		ID:    TerminationGraceful,
		Level: Core,
		Must: "A pod that is removed runs its preStop hook, gets its stop signal and has its whole grace period for both: a container " +
			"that needs most of it finishes, and one that goes on after it is killed.",
		Sources: []Source{Docs},
		Link:    podLifecycle + "#pod-termination",
		Note:    "The signal is SIGTERM unless the image names another; nginx images name SIGQUIT.",
	}, {
		ID:    TerminationReverse,
		Level: Core,
		Must: "When an OrderedReady set whose pods are all healthy is scaled to zero, its pods end in strict reverse order, each only " +
			"after the one above it is gone.",
		Sources: []Source{Docs, Lesson},
		Link:    scalingPart,
		Note:    "No order is promised when the set itself is deleted.",
	}, {
		ID:    TerminationCascade,
		Level: Core,
		Must: "Deleting the set with background or foreground propagation, or with none named, which means background, removes its pods and controller " +
			"revisions; under foreground propagation the set goes only after them. With orphan propagation they stay.",
		Sources: []Source{API},
		Link:    garbagePage + "#cascading-deletion",
	}, {
		ID:      TerminationNoRecreate,
		Level:   Extended,
		Must:    "A set that is being deleted creates no pods, and adopts none.",
		Sources: []Source{Impl},
		Link:    controller + "/stateful_set_control.go#L658",
	}}
}
