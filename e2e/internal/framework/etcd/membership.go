package etcd

import (
	"context"
	"errors"
	"fmt"
	"strings"

	. "github.com/onsi/ginkgo/v2"
	. "github.com/onsi/gomega"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/statefulset"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/history"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// Leader returns the ordinal of the member that leads.
func (d *Database) Leader(ctx context.Context) int {
	GinkgoHelper()
	leader := -1
	d.Await(ctx, "a member to lead", func(ctx context.Context) error {
		for n, pod := range d.inUse() {
			if s, err := d.state(ctx, pod); err == nil && s.ID == s.Leader {
				leader = n
				return nil
			}
		}
		return errors.New("none says that it does")
	})
	return leader
}

// Lead has the member of that ordinal lead.
func (d *Database) Lead(ctx context.Context, ordinal int) {
	GinkgoHelper()
	d.Await(ctx, d.Pod(ordinal)+" to lead", func(ctx context.Context) error {
		to, err := d.member(d.Pod(ordinal)).status(ctx)
		if err != nil || to.Leader == to.Header.MemberId {
			return err
		}
		for _, pod := range d.inUse() {
			if s, err := d.state(ctx, pod); err != nil || s.ID != s.Leader {
				continue
			}
			return d.act(pod, "have "+d.Pod(ordinal)+" lead", func() error {
				_, err := d.member(pod).client.MoveLeader(ctx, to.Header.MemberId)
				return err
			})
		}
		return errors.New("none leads")
	})
}

// act records an operation of the test at a member of the database.
func (d *Database) act(pod, text string, request func() error) error {
	return d.NS.Do(framework.Request{Verb: history.VerbOther, Resource: history.Pods, Name: pod, Text: text}, request)
}

// peer is where the other members reach the one of that ordinal.
func (d *Database) peer(ordinal int) string {
	return fmt.Sprintf("http://%s.%s:2380", d.Pod(ordinal), d.Service)
}

// Grow adds a member: the database is told of it first, and the new pod then begins as one that joins. The first members keep their template; one
// that joined before is updated too.
func (d *Database) Grow(ctx context.Context) {
	GinkgoHelper()
	ordinal := len(d.inUse())
	d.Await(ctx, "the database to take a further member", func(ctx context.Context) error {
		return d.act(d.Pod(0), "add the member "+d.Pod(ordinal), func() error {
			_, err := d.member(d.Pod(0)).client.MemberAdd(ctx, []string{d.peer(ordinal)})
			return err
		})
	})
	d.Update(ctx, fmt.Sprintf("template for %s, which joins, and scale to %d", d.Pod(ordinal), ordinal+1), func(s *appsv1.StatefulSet) {
		statefulset.Partition(members)(s)
		statefulset.Replicas(int32(ordinal + 1))(s)
		peers := make([]string, 0, ordinal+1)
		for n := range ordinal + 1 {
			peers = append(peers, d.Pod(n)+"="+d.peer(n))
		}
		setFlag(s, "initial-cluster", strings.Join(peers, ","))
		setFlag(s, "initial-cluster-state", "existing")
	})
	d.AwaitReplicas(ctx, int32(ordinal+1))
	d.AwaitUpdatedFrom(ctx, members)
	d.use(ordinals(ordinal + 1)...)
	d.awaitServing(ctx)
}

// Shrink removes the last member from the database, and then its pod.
func (d *Database) Shrink(ctx context.Context) {
	GinkgoHelper()
	last := len(d.inUse()) - 1
	gone, err := d.member(d.Pod(last)).status(ctx)
	Expect(err).NotTo(HaveOccurred(), "asking %s for its ID", d.Pod(last))
	d.use(ordinals(last)...)
	d.Await(ctx, "the database to let a member go", func(ctx context.Context) error {
		return d.act(d.Pod(0), "remove the member "+d.Pod(last), func() error {
			_, err := d.member(d.Pod(0)).client.MemberRemove(ctx, gone.Header.MemberId)
			return err
		})
	})
	d.Scale(ctx, int32(last))
	d.AwaitReplicas(ctx, int32(last))
	d.forget(d.Pod(last))
	d.awaitServing(ctx)
}

// forget ends the connection to a member that is gone.
func (d *Database) forget(pod string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if m := d.connected[pod]; m != nil {
		m.close()
		delete(d.connected, pod)
	}
}

// setFlag sets a flag of etcd in the template.
func setFlag(s *appsv1.StatefulSet, flag, value string) {
	c := mainOf(s)
	for i, arg := range c.Args {
		if strings.HasPrefix(arg, "--"+flag+"=") {
			c.Args[i] = "--" + flag + "=" + value
			return
		}
	}
	c.Args = append(c.Args, "--"+flag+"="+value)
}

// Earlier has the set begin with the run's earlier etcd, where it has one.
func Earlier(ns *framework.Namespace) statefulset.Option {
	return func(s *appsv1.StatefulSet) {
		if image := ns.Settings.Images.EarlierEtcd; image != "" {
			mainOf(s).Image = image
		}
	}
}

// Roll changes the template, so that every pod from an ordinal on is replaced: with the run's etcd, and a flag that every etcd knows.
func (d *Database) Roll(ctx context.Context, from int, version string) {
	GinkgoHelper()
	d.Update(ctx, fmt.Sprintf("new template %q for %s from ordinal %d on", version, d.Name, from), func(s *appsv1.StatefulSet) {
		statefulset.Partition(int32(from))(s)
		metav1.SetMetaDataAnnotation(&s.Spec.Template.ObjectMeta, statefulset.TemplateKey, version)
		if image := d.ns.Settings.Etcd(); image != "" {
			mainOf(s).Image = image
		}
		setFlag(s, "max-txn-ops", "129")
	})
}

// Break changes the template to one with which etcd does not start: a flag that it does not know.
func (d *Database) Break(ctx context.Context) {
	GinkgoHelper()
	d.Update(ctx, "a template with which etcd does not start", func(s *appsv1.StatefulSet) { setFlag(s, brokenFlag, "1") })
}

const brokenFlag = "no-such-flag"

// Unbreak takes that back.
func (d *Database) Unbreak(ctx context.Context) {
	GinkgoHelper()
	d.Update(ctx, "the template from before", func(s *appsv1.StatefulSet) {
		c := mainOf(s)
		var kept []string
		for _, arg := range c.Args {
			if !strings.HasPrefix(arg, "--"+brokenFlag+"=") {
				kept = append(kept, arg)
			}
		}
		c.Args = kept
	})
}

// mainOf returns etcd's container.
func mainOf(s *appsv1.StatefulSet) *corev1.Container {
	all := s.Spec.Template.Spec.Containers
	return &all[fixtures.MainOf(all, func(c corev1.Container) string { return c.Name })]
}
