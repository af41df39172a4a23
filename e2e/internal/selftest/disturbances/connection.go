package disturbances

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	flowcontrolv1 "k8s.io/api/flowcontrol/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/selftest/apiproxy"
)

// proxied has the suite reach the API server through a proxy.
func (s *Env) proxied(ctx context.Context, p *apiproxy.Proxy) (undo, error) {
	file, err := p.Start(context.WithoutCancel(ctx), s.Kubeconfig, s.Dir)
	if err != nil {
		return nil, err
	}
	s.Kubeconfig = file
	return func(context.Context) error { return p.Close() }, nil
}

// stallPods holds back the watches of pods for a while, then lets them flow for as long, again and again. Other requests pass.
func stallPods(ctx context.Context, s *Env) (undo, error) {
	return s.proxied(ctx, &apiproxy.Proxy{Answer: func(r *http.Request, answer io.ReadCloser) io.ReadCloser {
		if !apiproxy.IsWatch(r) || !strings.HasSuffix(r.URL.Path, "/pods") {
			return answer
		}
		return &stalling{ReadCloser: answer, ctx: r.Context(), began: time.Now()} //nolint:containedctx // io.Reader takes none
	}})
}

// stalled is how long a watch of pods is held back, and then flows.
const stalled = 15 * time.Second

// stalling is a body that flows for a while and is held back for as long.
type stalling struct {
	io.ReadCloser
	ctx   context.Context
	began time.Time
}

func (s *stalling) Read(p []byte) (int, error) {
	n, err := s.ReadCloser.Read(p)
	if in := time.Since(s.began) % (2 * stalled); in >= stalled && err == nil {
		if !pause(s.ctx, 2*stalled-in) {
			return n, context.Cause(s.ctx)
		}
	}
	return n, err
}

// spreadWatches has each watch lag by a time of its own, which changes now and then: what one has shown, another has not shown yet.
func spreadWatches(ctx context.Context, s *Env) (undo, error) {
	var watches atomic.Uint64
	return s.proxied(ctx, &apiproxy.Proxy{Answer: func(r *http.Request, answer io.ReadCloser) io.ReadCloser {
		if !apiproxy.IsWatch(r) {
			return answer
		}
		return newLagging(r.Context(), answer, watches.Add(1))
	}})
}

// mostLag is how long what a watch delivers is held back at most, and lagLasts after how many deliveries that time is drawn anew.
const (
	mostLag  = 1500 * time.Millisecond
	lagLasts = 20
)

// lagging is a body of which each part comes some time after it was there. It goes on to take parts from the connection meanwhile: the lag does not grow.
type lagging struct {
	io.Closer
	ctx   context.Context
	parts chan part
	now   part // what is left of the part that is being read
}

type part struct {
	data []byte
	due  time.Time
	err  error
}

func newLagging(ctx context.Context, body io.ReadCloser, seed uint64) *lagging {
	l := &lagging{Closer: body, ctx: ctx, parts: make(chan part, 1<<10)}
	go func() {
		chance := rand.New(rand.NewPCG(1, seed)) //nolint:gosec // the disturbance is to be the same each time
		var lag time.Duration
		for n, last := 0, error(nil); last == nil; n++ {
			if n%lagLasts == 0 {
				lag = time.Duration(chance.Int64N(int64(mostLag)))
			}
			next := part{data: make([]byte, 32<<10)}
			var read int
			read, last = body.Read(next.data)
			next.data, next.due, next.err = next.data[:read], time.Now().Add(lag), last
			select {
			case l.parts <- next:
			case <-ctx.Done():
				return
			}
		}
	}()
	return l
}

func (l *lagging) Read(p []byte) (int, error) {
	if len(l.now.data) == 0 && l.now.err == nil {
		select {
		case l.now = <-l.parts:
		case <-l.ctx.Done():
			return 0, context.Cause(l.ctx)
		}
		if !pause(l.ctx, time.Until(l.now.due)) {
			return 0, context.Cause(l.ctx)
		}
	}
	n := copy(p, l.now.data)
	l.now.data = l.now.data[n:]
	if n == 0 {
		return 0, l.now.err
	}
	return n, nil
}

// throttle gives the suite a user of its own, to whom the API server's priority and fairness leaves little.
func throttle(ctx context.Context, s *Env) (undo, error) {
	const name, user = "disturbance-throttled", "throttled-suite"
	meta := metav1.ObjectMeta{Name: name}
	flow, rbac := s.Client.FlowcontrolV1(), s.Client.RbacV1()
	remove := func(ctx context.Context) error {
		return errors.Join(
			flow.FlowSchemas().Delete(ctx, name, metav1.DeleteOptions{}), flow.PriorityLevelConfigurations().Delete(ctx, name, metav1.DeleteOptions{}),
			rbac.ClusterRoleBindings().Delete(ctx, name, metav1.DeleteOptions{}),
		)
	}
	_, err := rbac.ClusterRoleBindings().Create(ctx, &rbacv1.ClusterRoleBinding{
		ObjectMeta: meta, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "cluster-admin"},
		Subjects: []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: user}},
	}, metav1.CreateOptions{})
	if err == nil {
		_, err = flow.PriorityLevelConfigurations().Create(ctx, narrow(meta), metav1.CreateOptions{})
	}
	if err == nil {
		_, err = flow.FlowSchemas().Create(ctx, &flowcontrolv1.FlowSchema{ObjectMeta: meta, Spec: flowcontrolv1.FlowSchemaSpec{
			PriorityLevelConfiguration: flowcontrolv1.PriorityLevelConfigurationReference{Name: name}, MatchingPrecedence: 100,
			Rules: []flowcontrolv1.PolicyRulesWithSubjects{{
				Subjects: []flowcontrolv1.Subject{{Kind: flowcontrolv1.SubjectKindUser, User: &flowcontrolv1.UserSubject{Name: user}}},
				ResourceRules: []flowcontrolv1.ResourcePolicyRule{{
					Verbs: []string{"*"}, APIGroups: []string{"*"}, Resources: []string{"*"}, Namespaces: []string{"*"}, ClusterScope: true,
				}},
			}},
		}}, metav1.CreateOptions{})
	}
	if err != nil {
		return nil, errors.Join(err, remove(ctx))
	}
	stop, err := s.proxied(ctx, &apiproxy.Proxy{User: user, Groups: []string{"system:authenticated"}})
	if err != nil {
		return nil, errors.Join(err, remove(ctx))
	}
	return func(ctx context.Context) error { return errors.Join(stop(ctx), remove(ctx)) }, nil
}

// narrow is a priority level that serves one request at a time, has a few wait, and answers the others with status 429.
func narrow(meta metav1.ObjectMeta) *flowcontrolv1.PriorityLevelConfiguration {
	return &flowcontrolv1.PriorityLevelConfiguration{ObjectMeta: meta, Spec: flowcontrolv1.PriorityLevelConfigurationSpec{
		Type: flowcontrolv1.PriorityLevelEnablementLimited,
		Limited: &flowcontrolv1.LimitedPriorityLevelConfiguration{
			NominalConcurrencyShares: new(int32(1)), LendablePercent: new(int32(0)), BorrowingLimitPercent: new(int32(0)),
			LimitResponse: flowcontrolv1.LimitResponse{
				Type: flowcontrolv1.LimitResponseTypeQueue, Queuing: &flowcontrolv1.QueuingConfiguration{Queues: 1, HandSize: 1, QueueLengthLimit: 4},
			},
		},
	}}
}
