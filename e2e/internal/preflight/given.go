package preflight

import (
	"context"
	"fmt"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/given"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// tryAnywhere goes through a trial in a namespace of its own, or in those that were given.
func (p *prober) tryAnywhere(ctx context.Context, t trial) Findings {
	if len(p.settings.Namespaces) == 0 {
		return p.try(ctx, t)
	}
	return p.tryGiven(ctx, t)
}

// tryGiven goes through a trial in the given namespaces: objects are asked for in each, a pod is started in one.
func (p *prober) tryGiven(ctx context.Context, t trial) (f Findings) {
	for _, name := range p.settings.Namespaces {
		if problem := p.occupied(ctx, name); problem != nil {
			f.add(*problem)
		}
	}
	if len(f.Problems) > 0 {
		return f
	}
	var wrong []Problem
	for _, name := range p.settings.Namespaces {
		objects, err := p.objects(ctx, t, name)
		if err != nil {
			wrong = append(wrong, Problem{Text: oneLine(err.Error())})
			continue
		}
		wrong = append(wrong, p.admit(ctx, t, objects)...)
	}
	// The standard of a given namespace is its owner's choice: what needs a weaker one is left out.
	if t.standard == baseline && len(wrong) > 0 && strings.Contains(wrong[0].Text, podSecurityWords) {
		f.Facts.NoBaseline = "the given namespaces do not admit what needs the Pod Security Standard baseline: " + wrong[0].Text
		f.Notes = append(f.Notes, f.Facts.NoBaseline)
		return f
	}
	if f.add(wrong...); len(wrong) > 0 {
		return f
	}
	name := p.settings.Namespaces[0]
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), tidyLimit)
		defer cancel()
		if err := given.Clear(ctx, p.klient, name, runconfig.RunLabel+"="+p.settings.Run+","+trialLabel+"="+t.standard); err != nil {
			f.add(Problem{Text: oneLine(fmt.Sprintf("namespace %s: expected to remove the probe's pod again, found: %v; remove it by hand", name, err))})
		}
	}()
	p.tryIn(ctx, t, name, &f)
	return f
}

// occupied says what a given namespace holds beside the probe's own, nil if nothing.
func (p *prober) occupied(ctx context.Context, name string) *Problem {
	found, err := given.Objects(ctx, p.klient, name, "")
	if err != nil {
		return &Problem{Text: oneLine(fmt.Sprintf("NAMESPACES: expected namespace %s to be there, found: %v", name, err))}
	}
	for _, o := range found {
		switch run := o.GetLabels()[runconfig.RunLabel]; {
		case run == p.settings.Run:
		case run != "":
			return &Problem{Usage: true, Text: fmt.Sprintf("NAMESPACES: expected namespace %s to be empty, found %s of run %s: "+
				"let that run end, or remove what it left with make clean NAMESPACES=%s", name, given.Name(o), run, name)}
		default:
			return &Problem{Usage: true, Text: fmt.Sprintf("NAMESPACES: expected namespace %s to be empty, found %s: "+
				"name one that nobody else uses", name, given.Name(o))}
		}
	}
	return nil
}
