package dns

import (
	"net/netip"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
)

// question is what DNS is asked for, nil where its answer says nothing of when a pod's name became right.
type question struct {
	now    func() time.Duration // since the recording began
	lookup *history.Lookup
	began  bool
}

// questionFor returns the question for the addresses of a name, nil where that is no pod's, or the service has pods before they are Ready.
func (c Client) questionFor(name string, want []netip.Addr) *question {
	host, published := hostOf(name, c.set.Service), false
	c.set.NS.View(func(st *history.State) {
		e := st.Get(history.Services, c.set.Service)
		published = e != nil && e.Service.PublishNotReady
	})
	if host == "" || published {
		return nil
	}
	lookup := &history.Lookup{Host: host}
	for _, a := range want {
		lookup.Addrs = append(lookup.Addrs, a.String())
	}
	return &question{now: c.set.NS.Now, lookup: lookup}
}

// noting returns a lookup that notes when it was run first, and whether its answer was not right then.
func (q *question) noting(lookup func() error) func() error {
	if q == nil {
		return lookup
	}
	return func() error {
		first := !q.began
		if first {
			q.began, q.lookup.Queried = true, q.now()
		}
		err := lookup()
		if first && err != nil && !framework.IsInconclusive(err) {
			q.lookup.Awaited = true
		}
		return err
	}
}

// queried returns what was asked for, nil where nothing was, or the answer is not right.
func (q *question) queried(err error) *history.Lookup {
	if q == nil || !q.began || err != nil {
		return nil
	}
	return q.lookup
}
