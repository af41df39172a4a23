package dns

import (
	"context"
	"fmt"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/egress"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/dns/nslookup"
)

// server is what a spec knows of the DNS server that its pods ask.
type server struct {
	// silent says that it answered no query when it was last waited for, whatever was asked: the next waits need not be long.
	silent bool
}

// silentError says that a pod gets no answer from any DNS server, whatever it asks. That is no fault of the name: the network, a policy in it
// or the server itself keeps answers away.
type silentError struct{ text string }

func (e *silentError) Error() string { return e.text }

// expectServer finds out whether DNS answers at all, so that a spec whose queries cannot be answered ends soon.
func (c Client) expectServer(ctx context.Context) {
	if answered, err := nslookup.AnsweredAtStart(ctx, c.run, c.zone); answered || err != nil {
		return
	}
	c.server.silent = true
	c.set.NS.Note(fmt.Sprintf("pod %s gets no answer from DNS, not even for %s", c.pod, nslookup.ControlName(c.zone)))
}

// await returns a silentError while no server answers, where none did before. Queries for the control name take less time than the lookups of
// a spec.
func (c Client) await(ctx context.Context) error {
	if !c.server.silent {
		return nil
	}
	answered, err := nslookup.Answered(ctx, c.run, c.zone)
	if err != nil || !answered {
		return c.silence(ctx, err)
	}
	c.server.silent = false
	return nil
}

// unanswered says what it means that no server answered a lookup, which err says. A server that answers the same pod at about the same time
// leaves no other cause than the name.
func (c Client) unanswered(ctx context.Context, err error) error {
	answered, failed := nslookup.Answered(ctx, c.run, c.zone)
	if failed != nil || !answered {
		return c.silence(ctx, failed)
	}
	return fmt.Errorf("%w, although one answered pod %s at once when asked for %s: see the DNS server's log", err, c.pod, nslookup.ControlName(c.zone))
}

// silence returns the error that DNS does not answer, or that err kept the spec from finding out.
func (c Client) silence(ctx context.Context, err error) error {
	if err != nil {
		return framework.Inconclusive(err)
	}
	ns := c.set.NS
	return framework.Inconclusive(&silentError{egress.Unanswered(ctx, ns.Client, ns.Name, c.pod, nslookup.ControlName(c.zone), ns.Described())})
}
