package verdict

// Verdict is the verdict of a run on one guarantee.
type Verdict string

// UnmarshalText reads a verdict of any version of the report: version 1 wrote "not asked" for NotSelected.
func (v *Verdict) UnmarshalText(text []byte) error {
	*v = Verdict(text)
	if *v == "not asked" {
		*v = NotSelected
	}
	return nil
}

// The verdicts.
const (
	Pass          Verdict = "pass"
	Fail          Verdict = "fail"
	Deviation     Verdict = "deviation" // broken, but only the implementation promises it
	Inconclusive  Verdict = "inconclusive"
	NotApplicable Verdict = "not applicable"
	NotSelected   Verdict = "not selected" // left out by FOCUS, LABELS or the level
)

// All returns every verdict, the best first.
func All() []Verdict {
	return []Verdict{Pass, NotApplicable, NotSelected, Inconclusive, Deviation, Fail}
}

// Rank orders results, the best first.
func (o Overall) Rank() int {
	switch o {
	case Conformant:
		return 0
	case OverallInconclusive:
		return 1
	}
	return 2
}
