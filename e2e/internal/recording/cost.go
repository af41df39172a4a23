package recording

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// Cost is what recording took of the API server and of its own machine.
type Cost struct {
	// Requests is how many were sent, by verb of the API. A watch is one request, however long it lasts.
	Requests map[string]int `json:"requests"`
	// Received is how many bytes the answers had, once unpacked.
	Received int64 `json:"receivedBytes"`
	// Memory is the most that the process had of the operating system beside the program itself, in bytes, of what was seen every second.
	Memory uint64 `json:"memoryBytes"`
}

// String says what it took in a line.
func (c *Cost) String() string {
	n := 0
	verbs := make([]string, 0, len(c.Requests))
	for _, verb := range slices.Sorted(maps.Keys(c.Requests)) {
		n += c.Requests[verb]
		verbs = append(verbs, fmt.Sprintf("%d %s", c.Requests[verb], verb))
	}
	const mebi = 1 << 20
	return fmt.Sprintf("%d requests (%s), %.1f MiB received, %.0f MiB of memory at most", n, strings.Join(verbs, ", "), float64(c.Received)/mebi, float64(c.Memory)/mebi)
}
