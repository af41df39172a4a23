package preflight

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/rand"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/e2e-framework/klient"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/apiclient"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/cleanup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/images"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/provision/ready"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
	"github.com/hero-academy/statefulset-conformance/fixtures"
)

// podProbe is a namespace with a Pod Security Standard, as specs use it, and a pod that is started in it.
type podProbe struct {
	standard string
	fixtures []string // whose objects the API server must admit
	podName  string   // the pod of the fixtures that is started
	as       string   // the name that it is started under, where another probe starts the same one
	image    imageOf
	programs []string // that the specs run in the pod
	// version is the command that runs in place of the pod's own, and only asks for a version, where that needs others to run: the image need have no shell.
	version []string
	// byController says that the StatefulSet controller is to make the pod, of the fixtures' set.
	byController bool
	// claim says that the set has a claim template of the size in use, whose claim must be Bound for the pod to start, and that it is then scaled and measured.
	claim bool
}

// name is that of the pod that is started, and of what is made for it.
func (pp podProbe) name() string { return cmp.Or(pp.as, pp.podName) }

// imageOf is the setting that names an image, and its field in Images.
type imageOf struct {
	setting string
	id      func(*runconfig.Images) *string
}

// The Pod Security Standards of the probes.
const (
	restricted = "restricted"
	baseline   = "baseline"
)

// dnsClient is the name of the pod that queries DNS.
const dnsClient = "dns-client"

// probeLabel distinguishes the pods of two probes in one namespace.
const probeLabel = "statefulset-conformance.hero-academy.github.io/probe"

func probes() []podProbe {
	return []podProbe{{
		standard: restricted, fixtures: []string{fixtures.DNSClient, fixtures.Set}, podName: dnsClient,
		image:    imageOf{"BUSYBOX_IMAGE", func(i *runconfig.Images) *string { return &i.Busybox }},
		programs: []string{"nslookup", "hostname", "kill", "cat", "sleep"},
	}, {
		standard: restricted, fixtures: []string{fixtures.Set}, podName: "set-0", byController: true, claim: true,
		image: imageOf{"BUSYBOX_IMAGE", func(i *runconfig.Images) *string { return &i.Busybox }},
	}, {
		standard: baseline, fixtures: []string{fixtures.Example}, podName: "web-statefulset-0", byController: true,
		image:    imageOf{"NGINX_IMAGE", func(i *runconfig.Images) *string { return &i.Nginx }},
		programs: []string{"nslookup", "hostname", "cat"},
	}}
}

// databases are the probes of the level workload.
func databases(s runconfig.Settings) []podProbe {
	etcd := podProbe{
		standard: restricted, fixtures: []string{fixtures.Etcd}, podName: "etcd-0", version: []string{"etcd", "--version"},
		image: imageOf{images.EtcdSetting, func(i *runconfig.Images) *string { return &i.Etcd }},
	}
	all := []podProbe{etcd, {
		standard: restricted, fixtures: []string{fixtures.Postgres}, podName: "postgres-0", version: []string{"pg_basebackup", "--version"},
		image: imageOf{images.PostgresSetting, func(i *runconfig.Images) *string { return &i.Postgres }},
	}}
	if s.Images.EarlierEtcd != "" {
		etcd.as = "earlier-etcd-0"
		etcd.image = imageOf{images.EarlierEtcdSetting, func(i *runconfig.Images) *string { return &i.EarlierEtcd }}
		all = append(all, etcd)
	}
	return all
}

// ProbeDatabases finds out by trying whether the images of the level workload run, as Probe does.
func ProbeDatabases(ctx context.Context, config *rest.Config, s runconfig.Settings) Findings {
	return probeAll(ctx, config, s, databases(s))
}

// Probe finds out by trying: whether namespaces can be created, the API server admits the suite's objects, quotas leave room, nodes pull
// the images and start pods, one of them with a volume, commands run in pods, and which DNS zone pods have. It creates a namespace with a pod for each of them, or only the
// pods in the namespaces of NAMESPACES, and removes them again, also when ctx ends.
func Probe(ctx context.Context, config *rest.Config, s runconfig.Settings) Findings {
	all := probes()
	if s.Level == contract.Workload {
		all = append(all, databases(s)...)
	}
	return probeAll(ctx, config, s, all)
}

// probeAll runs probes, at once where each has a namespace of its own.
func probeAll(ctx context.Context, config *rest.Config, s runconfig.Settings, all []podProbe) Findings {
	s.Images.Etcd, s.Images.Postgres = s.Etcd(), cmp.Or(s.Images.Postgres, images.PublicPostgres)
	p, err := newProber(config, s)
	if err != nil {
		return Findings{Problems: []Problem{{Text: oneLine("API server: expected a client for it, found: " + err.Error())}}}
	}
	found := make([]Findings, len(all))
	var done sync.WaitGroup
	for i, pp := range all {
		if len(s.Namespaces) > 0 {
			// In one namespace each would find that the others use up quotas.
			found[i] = p.probe(ctx, pp)
			continue
		}
		done.Go(func() { found[i] = p.probe(ctx, pp) })
	}
	done.Wait()
	var out Findings
	for i, pp := range all {
		out.add(found[i].Problems...)
		out.Notes = append(out.Notes, found[i].Notes...)
		out.Facts.DNSZone = cmp.Or(found[i].Facts.DNSZone, out.Facts.DNSZone)
		out.Facts.NoBaseline = cmp.Or(found[i].Facts.NoBaseline, out.Facts.NoBaseline)
		out.PodStart = max(out.PodStart, found[i].PodStart)
		out.Measured = cmp.Or(found[i].Measured, out.Measured)
		at := pp.image.id(&out.Facts.ImageIDs)
		*at = cmp.Or(*pp.image.id(&found[i].Facts.ImageIDs), *at)
	}
	return out
}

// prober runs the probes.
type prober struct {
	client   kubernetes.Interface
	config   *rest.Config
	klient   klient.Client
	settings runconfig.Settings
}

func newProber(config *rest.Config, s runconfig.Settings) (*prober, error) {
	config = rest.CopyConfig(config)
	config.QPS = -1 // Some dozen concurrent requests are no load.
	config.Wrap(apiclient.Restrict(config.Host, s.Rights()))
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	kl, err := klient.New(config)
	return &prober{client: client, config: config, klient: kl, settings: s}, err
}

// cleanupLimit bounds the requests that remove the probes' namespaces after an interruption.
const cleanupLimit = 15 * time.Second

// probeNew runs a probe in a new namespace.
func (p *prober) probeNew(ctx context.Context, pp podProbe) (f Findings) {
	namespace, problem := p.namespace(ctx, pp)
	if problem != nil {
		f.add(*problem)
		return f
	}
	defer func() {
		if err := p.remove(ctx, namespace); err != nil {
			f.add(Problem{Text: oneLine(fmt.Sprintf("namespace %s: expected to remove it again, found: %v; remove it by hand", namespace, err))})
		}
	}()
	if err := ready.Namespace(ctx, p.client, namespace, p.settings.Limits.NamespaceReady); err != nil {
		f.add(Problem{Text: oneLine(fmt.Sprintf("namespaces: expected a new one to get its default service account, found: %v; see whether kube-controller-manager runs", err))})
		return f
	}
	if err := p.settings.CreatePullSecret(ctx, p.client.CoreV1().Secrets(namespace).Create); err != nil {
		f.add(Problem{Text: oneLine("secrets: " + err.Error())})
		return f
	}
	p.probeNamespace(ctx, pp, namespace, &f)
	return f
}

// probeNamespace runs a probe in a namespace.
func (p *prober) probeNamespace(ctx context.Context, pp podProbe, namespace string, f *Findings) {
	objects, err := p.objects(ctx, pp, namespace)
	if err != nil {
		f.add(Problem{Text: oneLine(err.Error())})
		return
	}
	if problems := p.dryRunCreate(ctx, pp, objects); len(problems) > 0 {
		f.add(problems...)
		return
	}
	f.add(p.startPod(ctx, pp, objects, f)...)
	// Now, since a controller that creates quotas in new namespaces needs time, too.
	admitted, problems := p.tryAgain(ctx, pp, objects)
	f.add(problems...)
	f.add(p.quotas(ctx, pp, namespace, admitted)...)
	if pp.claim && len(f.Problems) == 0 {
		_, set := setOf(objects)
		pod := firstPod(set)
		measured, notes, problem := p.measure(ctx, namespace, set.Name, func(ctx context.Context, command ...string) (string, error) { return p.exec(ctx, pod, command...) })
		f.Measured, f.Notes = measured, append(f.Notes, notes...)
		if problem != nil {
			f.add(*problem)
		}
	}
}

// remove removes a namespace of the run, also when ctx ends.
func (p *prober) remove(ctx context.Context, namespace string) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
	defer cancel()
	return cleanup.DeleteNamespace(ctx, p.klient, namespace, p.settings.Run)
}

func (p *prober) namespace(ctx context.Context, pp podProbe) (string, *Problem) {
	meta := p.settings.NamespaceMeta(pp.standard)
	// A name that is chosen here can be looked for when the answer is lost.
	meta.Name = p.settings.NamespacePrefix + "-probe-" + rand.String(5)
	_, err := p.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: meta}, metav1.CreateOptions{})
	if err != nil {
		err = errors.Join(err, p.remove(ctx, meta.Name))
		return "", &Problem{Text: oneLine(fmt.Sprintf("namespaces: expected to create one with the label %s=%s, found: %v; "+
			"let the account create such namespaces", runconfig.PodSecurityLabel, pp.standard, err))}
	}
	return meta.Name, nil
}

// imageName returns a probe's image and the setting that names it.
func (p *prober) imageName(pp podProbe) string {
	return fmt.Sprintf("image %s (%s)", *pp.image.id(&p.settings.Images), pp.image.setting)
}
