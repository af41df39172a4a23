package recording

import (
	"slices"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// Preview returns the recording with what a history shows that is not finished yet, up to now, and is not judged as long. The recording itself stays as it is.
func (r *Recording) Preview(unfinished *history.History, now time.Duration, span Span, chosen func(labels map[string]string) bool) *Recording {
	h, out := *unfinished, *r
	h.Close(now)
	h.End.Complete = true // what it lacks in the end is yet to come
	out.Histories, out.Sets, out.Acts, out.samples = slices.Clone(r.Histories), slices.Clone(r.Sets), slices.Clone(r.Acts), slices.Clone(r.samples)
	out.Broken, out.Open = slices.Clone(r.Broken), slices.Clone(r.Open)
	out.Outages, out.Circumstances = copied(r.Outages), copied(r.Circumstances)
	out.add(&h, "", span, chosen)
	return &out
}

// copied copies what pointers point to, since a further history may lengthen it.
func copied[T any](all []*T) []*T {
	out := make([]*T, len(all))
	for i, p := range all {
		out[i] = new(*p)
	}
	return out
}
