package main

import (
	"slices"
	"strings"
	"testing"
)

func TestUnpinned(t *testing.T) {
	const digest = "11bd71901bbe5b1630ceea73d27597364c9af683"
	workflow := strings.Join([]string{
		"      - uses: actions/checkout@" + digest + " # v4.2.2",
		"      - uses: actions/checkout@v4",
		"        uses: actions/cache@" + digest,
		"      - uses: actions/cache@" + digest[:12] + " # v4.2.3",
		"      - uses: ./.github/actions/own",
		"      - run: echo uses of it",
	}, "\n")
	want := []string{"actions/checkout@v4", "actions/cache@" + digest, "actions/cache@" + digest[:12] + " # v4.2.3"}
	if got := unpinned(workflow); !slices.Equal(got, want) {
		t.Errorf("expected %q, found %q", want, got)
	}
}
