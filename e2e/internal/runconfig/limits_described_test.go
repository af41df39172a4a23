package runconfig

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"
)

// What people read of limits, in the help and in CERTIFY.md, is of every limit, and with the defaults in force.
func TestLimitsAreDescribed(t *testing.T) {
	text, err := os.ReadFile("../../CERTIFY.md")
	if err != nil {
		t.Fatal(err)
	}
	described := DescribedLimits()
	if len(described) != len(LimitNames()) {
		t.Errorf("expected %d limits, found %d", len(LimitNames()), len(described))
	}
	rows := strings.Count(string(text), "\n| `"+described[0].Name+"` |")
	for _, l := range described {
		row := fmt.Sprintf("| %#q | %s | %s |\n", l.Name, Short(l.Default), l.Meaning)
		if l.Meaning == "" || !strings.Contains(string(text), row) {
			t.Errorf("expected CERTIFY.md to have the row\n%s", row)
		}
		if line := fmt.Sprintf("  %-18s  %-5s  %s", l.Name, Short(l.Default), l.Meaning); !strings.Contains(LimitsHelp(), line) {
			t.Errorf("expected the help to have the line\n%s", line)
		}
		if override, err := DefaultLimits().Override(l.Name + "=" + Short(l.Default)); err != nil || override != DefaultLimits() {
			t.Errorf("%s: expected the default to be one that can be typed, found %s, %v", l.Name, Short(l.Default), err)
		}
	}
	if rows != 1 {
		t.Errorf("expected one table of limits, found %d", rows)
	}
	for d, want := range map[time.Duration]string{20 * time.Second: "20s", 2 * time.Minute: "2m", 90 * time.Second: "1m30s", time.Hour: "1h", time.Hour + 10*time.Second: "1h0m10s", 10 * time.Minute: "10m"} {
		if got := Short(d); got != want {
			t.Errorf("expected %s, found %s", want, got)
		}
	}
}
