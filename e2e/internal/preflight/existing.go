package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/framework/cleanup"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// probe runs a probe in a new namespace, or in those of NAMESPACES.
func (p *prober) probe(ctx context.Context, pp podProbe) Findings {
	if len(p.settings.Namespaces) == 0 {
		return p.probeNew(ctx, pp)
	}
	return p.probeExisting(ctx, pp)
}

// probeExisting runs a probe in the namespaces of NAMESPACES: objects are created by dry run in each, a pod is started in the first.
func (p *prober) probeExisting(ctx context.Context, pp podProbe) (f Findings) {
	for _, name := range p.settings.Namespaces {
		if problem := p.notEmpty(ctx, name); problem != nil {
			f.add(*problem)
		}
	}
	if len(f.Problems) > 0 {
		return f
	}
	var problems []Problem
	for _, name := range p.settings.Namespaces {
		objects, err := p.objects(ctx, pp, name)
		if err != nil {
			problems = append(problems, Problem{Text: oneLine(err.Error())})
			continue
		}
		problems = append(problems, p.dryRunCreate(ctx, pp, objects)...)
	}
	// The standard of an existing namespace is its owner's choice: specs that need a weaker one are left out.
	if pp.standard == baseline && len(problems) > 0 && strings.Contains(problems[0].Text, podSecurityWords) {
		f.Facts.NoBaseline = "the namespaces of NAMESPACES do not admit what needs the Pod Security Standard baseline: " + problems[0].Text
		f.Notes = append(f.Notes, f.Facts.NoBaseline)
		return f
	}
	if f.add(problems...); len(problems) > 0 {
		return f
	}
	name := p.settings.Namespaces[0]
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), cleanupLimit)
		defer cancel()
		if err := cleanup.DeleteLabelled(ctx, p.klient, name, runconfig.RunLabel+"="+p.settings.Run+","+probeLabel+"="+pp.name()); err != nil {
			f.add(Problem{Text: oneLine(fmt.Sprintf("namespace %s: expected to remove the probe's pod again, found: %v; remove it by hand", name, err))})
		}
	}()
	p.probeNamespace(ctx, pp, name, &f)
	return f
}

// notEmpty says which object an existing namespace holds beside the probe's own, nil if none.
func (p *prober) notEmpty(ctx context.Context, name string) *Problem {
	found, err := cleanup.Objects(ctx, p.klient, name, "")
	if err != nil {
		return &Problem{Text: oneLine(fmt.Sprintf("NAMESPACES: expected namespace %s to be there, found: %v", name, err))}
	}
	others, err := cleanup.PodOwners(ctx, p.klient, name)
	if err != nil {
		return &Problem{Text: oneLine(fmt.Sprintf("NAMESPACES: expected to see what makes pods in namespace %s, found: %v", name, err))}
	}
	for _, o := range append(found, others...) {
		switch run := o.GetLabels()[runconfig.RunLabel]; {
		case run == p.settings.Run:
		case run != "":
			return &Problem{Usage: true, Text: fmt.Sprintf("NAMESPACES: expected namespace %s to be empty, found %s of run %s: "+
				"let that run end, or remove what it left with conformance clean --kubeconfig=file --namespaces=%s --run=%s", name, cleanup.Describe(o), run, name, run)}
		default:
			return &Problem{Usage: true, Text: fmt.Sprintf("NAMESPACES: expected namespace %s to be empty, found %s: "+
				"name one that nobody else uses", name, cleanup.Describe(o))}
		}
	}
	return nil
}
