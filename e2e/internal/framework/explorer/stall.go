package explorer

import (
	"context"
	"errors"
	"time"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/judge"
)

// backOffLimit is how long is waited for the moment from which on no back-off excuses an omission.
const backOffLimit = 30 * time.Second

// accuse has the recording show whether the controller is at work while something is due that nobody else stands in the way of, and accuses it if it is: an
// act that touches the set would have the omission pass unseen, although the controller must not need one.
func (r *run) accuse(ctx context.Context) {
	o, found := r.omission(ctx)
	if !found {
		return
	}
	begun := r.ns.Now()
	for r.mayNeedSync(ctx, o) {
		if _, turned := r.nextTurn(ctx, turnLimit); turned || ctx.Err() != nil || r.ns.Now()-begun > backOffLimit {
			return
		}
	}
	err := r.ns.Overdue(ctx, errors.New(o.Text), o.Since, func(ctx context.Context) error {
		if still, is := r.omission(ctx); is && still.Guarantee == o.Guarantee && still.Set == o.Set {
			return errors.New(still.Text)
		}
		return nil
	}, r.ns.SetController())
	if err != nil && !framework.IsInconclusive(err) && ctx.Err() == nil {
		r.ns.VerifySet(o.Set, o.Guarantee, err, "what was due before anything else was done to %s", o.Set)
		r.broken = true
	}
}

// omission returns the first omission of the StatefulSet controller so far that ends the episode.
func (r *run) omission(ctx context.Context) (judge.Omission, bool) {
	h, err := r.ns.Snapshot(ctx)
	if err != nil {
		return judge.Omission{}, false
	}
	for _, o := range judge.Omissions(h) {
		if !o.ByOthers && r.ns.Settings.Explore.Ends(o.Guarantee) {
			return o, true
		}
	}
	return judge.Omission{}, false
}

func (r *run) mayNeedSync(ctx context.Context, o judge.Omission) bool {
	h, err := r.ns.Snapshot(ctx)
	return err != nil || judge.MayNeedSync(h, o.Since) != ""
}
