package explore

import "slices"

// Shrink drops steps for as long as what they showed is still shown, by delta debugging: of ever smaller parts it drops each in turn, until no
// single step can go. try says of each of some candidates whether it still shows it; it is called with at most width of them, which it may
// carry out at once, and the first that does is taken. An error of try ends the search, and what was found by then is returned with it.
func Shrink(steps []Step, width int, try func([][]Step) ([]bool, error)) ([]Step, error) {
	for parts := 2; len(steps) > 1; {
		parts = min(parts, len(steps))
		smaller, err := firstShown(complements(steps, parts), width, try)
		if err != nil {
			return steps, err
		}
		switch {
		case smaller != nil:
			steps, parts = smaller, max(parts-1, 2)
		case parts == len(steps):
			return steps, nil
		default:
			parts *= 2
		}
	}
	return steps, nil
}

// complements returns the steps without each of so many parts. The last come first: what a promise was broken after matters more than what
// comes later.
func complements(steps []Step, parts int) [][]Step {
	var out [][]Step
	for i := range parts {
		from, to := i*len(steps)/parts, (i+1)*len(steps)/parts
		out = append(out, slices.Concat(steps[:from], steps[to:]))
	}
	slices.Reverse(out)
	return out
}

// firstShown returns the first candidate that still shows it, nil if none does.
func firstShown(candidates [][]Step, width int, try func([][]Step) ([]bool, error)) ([]Step, error) {
	for batch := range slices.Chunk(candidates, max(width, 1)) {
		shown, err := try(batch)
		if err != nil {
			return nil, err
		}
		if i := slices.Index(shown, true); i >= 0 {
			return batch[i], nil
		}
	}
	return nil, nil
}

// Simplify makes steps say less for as long as what they showed is still shown: it takes away what a step waits for, and what a set or template is given
// beside what it must have, one thing at a time. try is as for Shrink.
func Simplify(steps []Step, width int, try func([][]Step) ([]bool, error)) ([]Step, error) {
	for {
		simpler, err := firstShown(simplerSteps(steps), width, try)
		if err != nil || simpler == nil {
			return steps, err
		}
		steps = simpler
	}
}

// simplerSteps returns the steps with one thing less each.
func simplerSteps(steps []Step) [][]Step {
	var out [][]Step
	add := func(change func(int, *Step)) {
		all, changed := slices.Clone(steps), false
		for i := range all {
			if spec := all[i].Act.Spec; spec != nil {
				all[i].Act.Spec = spec.clone()
			}
			was := all[i].Act.Words()
			waited := all[i].After
			change(i, &all[i])
			changed = changed || all[i].Act.Words() != was || all[i].After != waited
			if all[i].Act.valid() != nil || all[i].Act.Changes() && all[i].Act.Spec.words() == "" {
				return
			}
		}
		if changed {
			out = append(out, all)
		}
	}
	for i := range steps {
		only := func(change func(*Step)) {
			add(func(n int, s *Step) {
				if n == i {
					change(s)
				}
			})
		}
		only(func(s *Step) { s.After = Moment{} })
		for _, less := range simplerSpecs() {
			only(func(s *Step) {
				if s.Act.Spec != nil {
					less(s.Act.Spec)
				}
			})
		}
	}
	// A template of one name is the same wherever it is used, and all templates of a set mount its claims.
	for _, name := range templatesOf(steps) {
		for _, less := range []func(*Template){
			func(t *Template) { t.Fault = "" },
			func(t *Template) { t.Extra = "" },
			func(t *Template) { t.Gate = false },
			func(t *Template) { t.Stop = 0 },
		} {
			add(func(_ int, s *Step) {
				if spec := s.Act.Spec; spec != nil && spec.Template != nil && spec.Template.Name == name {
					less(spec.Template)
				}
			})
		}
	}
	for _, set := range setNames() {
		add(func(_ int, s *Step) {
			if spec := s.Act.Spec; spec != nil && s.Act.Set == set {
				spec.Claims, spec.WhenScaled, spec.WhenDeleted = nil, "", ""
				if spec.Template != nil {
					spec.Template.Mounts = nil
				}
			}
		})
	}
	return out
}

// simplerSpecs lists what a spec can do without, the most at once first.
func simplerSpecs() []func(*Spec) {
	return []func(*Spec){
		func(s *Spec) { s.Strategy, s.Partition, s.MaxUnavailable = "", nil, nil },
		func(s *Spec) { s.MaxUnavailable = nil },
		func(s *Spec) { s.Partition = nil },
		func(s *Spec) { s.Start = nil },
		func(s *Spec) { s.MinReadySeconds = nil },
		func(s *Spec) { s.HistoryLimit = nil },
		func(s *Spec) { s.WhenScaled, s.WhenDeleted = "", "" },
		func(s *Spec) { s.Policy = "" },
	}
}

// templatesOf returns the names of the templates of the steps.
func templatesOf(steps []Step) []string {
	var out []string
	for i := range steps {
		if spec := steps[i].Act.Spec; spec != nil && spec.Template != nil && !slices.Contains(out, spec.Template.Name) {
			out = append(out, spec.Template.Name)
		}
	}
	return out
}

// clone copies a spec and its template.
func (s *Spec) clone() *Spec {
	out := *s
	if s.Template != nil {
		t := *s.Template
		out.Template = &t
	}
	return &out
}
