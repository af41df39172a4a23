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
