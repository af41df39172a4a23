package preflight

import (
	"context"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// trial is one namespace of the probe, like those of the specs that the standard is for, and one pod that is started in it.
type trial struct {
	standard string
	fixtures []string // whose objects the API server must admit
	starts   string   // the name of the pod that is started
	image    imageOf
	programs []string // that the specs run inside the pod
}

// imageOf says which setting names an image, and where its identity is kept.
type imageOf struct {
	setting string
	id      func(*runconfig.Images) *string
}

// The Pod Security Standards that the trials are for.
const (
	restricted = "restricted"
	baseline   = "baseline"
)

// trialLabel tells the pods of two trials in one namespace apart.
const trialLabel = "statefulset-conformance.hero-academy.github.io/probe"

func trials() []trial {
	return []trial{{
		standard: restricted, fixtures: []string{fixtures.Asker, fixtures.Set}, starts: "asker",
		image:    imageOf{"BUSYBOX_IMAGE", func(i *runconfig.Images) *string { return &i.Busybox }},
		programs: []string{"nslookup", "hostname", "kill", "cat", "sleep"},
	}, {
		standard: baseline, fixtures: []string{fixtures.Example}, starts: "web-statefulset-0",
		image:    imageOf{"NGINX_IMAGE", func(i *runconfig.Images) *string { return &i.Nginx }},
		programs: []string{"nslookup", "hostname", "cat"},
	}}
}

// Probe finds out what cannot be asked, only tried: whether namespaces can be made, the API server admits the suite's objects, a
// quota leaves room, nodes get the images and start pods, commands run in pods, and which DNS zone pods are told. It makes two
// namespaces with a pod each, or the pods alone in namespaces that were given, and removes them again, also when ctx ends.
func Probe(ctx context.Context, config *rest.Config, s runconfig.Settings) Findings {
	p, err := newProber(config, s)
	if err != nil {
		return Findings{Problems: []Problem{{Text: oneLine("API server: expected a client for it, found: " + err.Error())}}}
	}
	var all Findings
	var mu sync.Mutex
	var done sync.WaitGroup
	for _, t := range trials() {
		done.Go(func() {
			found := p.tryAnywhere(ctx, t)
			mu.Lock()
			defer mu.Unlock()
			all.add(found.Problems...)
			all.Notes = append(all.Notes, found.Notes...)
			if found.Facts.DNSZone != "" {
				all.Facts.DNSZone = found.Facts.DNSZone
			}
			if found.Facts.NoBaseline != "" {
				all.Facts.NoBaseline = found.Facts.NoBaseline
			}
			*t.image.id(&all.Facts.ImageIDs) = *t.image.id(&found.Facts.ImageIDs)
		})
	}
	done.Wait()
	return all
}

// prober makes what the probe makes.
type prober struct {
	client   kubernetes.Interface
	klient   klient.Client
	settings runconfig.Settings
}

func newProber(config *rest.Config, s runconfig.Settings) (*prober, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // some dozen requests at once are no load
	config.Wrap(apiclient.Restrict(config.Host, rbac.For(len(s.Namespaces) > 0, false)))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kl, err := klient.New(config)
	return &prober{client: client, klient: kl, settings: s}, err
}

// tidyLimit bounds the requests that remove the probe's namespaces after an interruption.
const tidyLimit = 15 * time.Second

// try goes through a trial in a namespace that it makes for it.
func (p *prober) try(ctx context.Context, t trial) (f Findings) {
	namespace, problem := p.namespace(ctx, t)
	if problem != nil {
		f.add(*problem)
		return f
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
		defer cancel()
		err := p.client.CoreV1().Namespaces().Delete(ctx, namespace, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			f.add(Problem{Text: oneLine(fmt.Sprintf("namespace %s: expected to remove it again, found: %v; remove it by hand", namespace, err))})
		}
	}()
	if err := ready.Namespace(ctx, p.client, namespace, p.settings.Limits.NamespaceReady); err != nil {
		f.add(Problem{Text: oneLine(fmt.Sprintf("namespaces: expected a new one to take pods, found: %v; see whether kube-controller-manager runs", err))})
		return f
	}
	p.tryIn(ctx, t, namespace, &f)
	return f
}

// tryIn goes through a trial in a namespace that is there.
func (p *prober) tryIn(ctx context.Context, t trial, namespace string, f *Findings) {
	objects, err := p.objects(ctx, t, namespace)
	if err != nil {
		f.add(Problem{Text: oneLine(err.Error())})
		return
	}
	if problems := p.admit(ctx, t, objects); len(problems) > 0 {
		f.add(problems...)
		return
	}
	f.add(p.run(ctx, t, objects, &f.Facts)...)
	// Whatever gives new namespaces their quota has had the time of a pod's start for it.
	f.add(p.quotas(ctx, namespace)...)
}

func (p *prober) namespace(ctx context.Context, t trial) (string, *Problem) {
	made, err := p.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		GenerateName: p.settings.NamespacePrefix + "-probe-",
		Labels: map[string]string{
			runconfig.ManagedByLabel: runconfig.ManagedBy, runconfig.RunLabel: p.settings.Run, runconfig.PodSecurityLabel: t.standard,
		},
	}}, metav1.CreateOptions{})
	if err != nil {
		return "", &Problem{Text: oneLine(fmt.Sprintf("namespaces: expected to make one with the label %s=%s, found: %v; "+
			"let the account make such namespaces", runconfig.PodSecurityLabel, t.standard, err))}
	}
	return made.Name, nil
}

// named says which setting names the trial's image and what it is.
func (p *prober) named(t trial) string {
	return fmt.Sprintf("image %s (%s)", *t.image.id(&p.settings.Images), t.image.setting)
}
