package engine

import "time"

// Time limits of this package.
const (
	// answerWithin is how long an engine may take to say its version before it counts as not answering.
	answerWithin = 5 * time.Second
	// startsWithin is how long a daemon that was started may take to answer.
	startsWithin = time.Minute
	// terminatesWithin is how long a process has after SIGTERM before SIGKILL.
	terminatesWithin = 30 * time.Second
)
