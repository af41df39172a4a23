package report

import (
	"fmt"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// writesHeight is the height of the row that shows the acknowledged writes.
const writesHeight = 40

// chartWrites are the writes that clients were told of, second by second.
type chartWrites struct {
	Y    float64
	Bars []chartWrite
	Most int
}

type chartWrite struct {
	X, W, Y, H float64
	Title      string
}

// drawWrites lays out the acknowledged writes below the rows; nil where the history has no clients.
func drawWrites(h *history.History, y float64, x func(time.Duration) float64) *chartWrites {
	if len(h.Clients) == 0 {
		return nil
	}
	perSecond := map[int]int{}
	first, last, most := -1, 0, 1
	for _, o := range h.Clients {
		n := int(o.At / time.Second)
		if first < 0 {
			first = n
		}
		last = n
		if o.Acknowledged() {
			perSecond[n]++
			most = max(most, perSecond[n])
		}
	}
	out := &chartWrites{Y: y, Most: most}
	for n := first; n <= last; n++ {
		from, to := time.Duration(n)*time.Second, min(time.Duration(n+1)*time.Second, h.Duration())
		height := tenth(float64(perSecond[n]) / float64(most) * (writesHeight - 6))
		out.Bars = append(out.Bars, chartWrite{
			X: x(from), W: max(0.5, tenth(x(to)-x(from))), Y: writesHeight - height, H: height,
			Title: fmt.Sprintf("%s acknowledged in the second from %s", count(perSecond[n], "write", "writes"), history.Clock(from)),
		})
	}
	return out
}

// leading is a stretch in which a member was known to lead.
type leading struct{ from, to time.Duration }

// leaders returns, by the member's name, when members of a database led, as they or others said. A leader leads from when it was first said to until
// another is, or it ends itself; nothing is known of the time between two that lie far apart.
func leaders(h *history.History) map[string][]leading {
	const farApart = 5 * time.Second
	ids := map[string]string{} // a member's name by its ID
	out := map[string][]leading{}
	last := ""
	for _, s := range h.Members {
		ids[s.ID] = s.Member
		name := ids[s.Leader]
		if name == "" {
			continue
		}
		all := out[name]
		if n := len(all); n > 0 && name == last && s.At-all[n-1].to <= farApart {
			all[n-1].to = s.At
		} else {
			out[name] = append(all, leading{from: s.At, to: s.At})
		}
		last = name
	}
	return out
}
