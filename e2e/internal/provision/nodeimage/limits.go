package nodeimage

import "time"

// Time limits of this package.
const (
	// registryAnswersWithin is how long a registry may take until it has begun to send an image.
	registryAnswersWithin = 5 * time.Second
	// containerdWithin is how long the containerd that unpacks images may take to answer.
	containerdWithin = time.Minute
	// cleanupWithin bounds the removal of a build's container, also after an interruption.
	cleanupWithin = time.Minute
)
