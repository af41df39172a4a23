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
	return s.proxied(ctx, &apiproxy.Proxy{Watch: func(r *http.Request, answer io.ReadCloser) io.ReadCloser {
		if !strings.HasSuffix(r.URL.Path, "/pods") {
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
	return s.proxied(ctx, &apiproxy.Proxy{Watch: func(r *http.Request, answer io.ReadCloser) io.ReadCloser {
		chance := rand.New(rand.NewPCG(1, watches.Add(1)))                    //nolint:gosec // the disturbance is to be the same each time
		return &lagging{ReadCloser: answer, ctx: r.Context(), chance: chance} //nolint:containedctx // io.Reader takes none
	}})
}

// lag is how long what a watch delivers is held back at most, and lagLasts after how many deliveries that time is drawn anew.
const (
	lag      = 1500 * time.Millisecond
	lagLasts = 20
)

// lagging is a body of which each part comes some time later.
type lagging struct {
	io.ReadCloser
	ctx    context.Context
	chance *rand.Rand
	reads  int
	by     time.Duration
}

func (l *lagging) Read(p []byte) (int, error) {
	if l.reads%lagLasts == 0 {
		l.by = time.Duration(l.chance.Int64N(int64(lag)))
	}
	l.reads++
	n, err := l.ReadCloser.Read(p)
	if err == nil && !pause(l.ctx, l.by) {
		err = context.Cause(l.ctx)
	}
	return n, err
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
