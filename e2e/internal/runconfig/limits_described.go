package runconfig

import (
	"fmt"
	"reflect"
	"strings"
	"time"
)

// LimitDescription is what people read of a limit: from when until when it runs, and how long it is if nobody changes it.
type LimitDescription struct {
	Name, Meaning string
	Default       time.Duration
}

// DescribedLimits describes all limits, in the order of Limits.
func DescribedLimits() []LimitDescription {
	meanings := map[string]string{
		"pod-created":        "the controller may create a pod, until the pod exists",
		"pod-ready":          "a pod is created, until it is Ready: claims bound, scheduled, image pulled, started",
		"pod-gone":           "a pod is deleted, until it is removed; its grace period is a part of that",
		"claim-bound":        "a claim is first used, until it is Bound",
		"claim-gone":         "a claim is deleted by the retention policy, until it is removed",
		"status-settled":     "pods change for the last time, until the set's status shows it",
		"collected":          "an owner is deleted, until the garbage collector has removed what it owned",
		"dns-follows":        "endpoints change, until DNS answers accordingly, caches included",
		"controller-lag":     "how far the controller's cache may be behind before an act counts as wrong; a wide one makes the run partial",
		"clock-skew":         "how far the clocks of nodes and control plane may differ; a wide one makes the run partial",
		"recording-complete": "a spec ends, until its recording equals a list made then",
		"namespace-ready":    "a namespace is created, until it has its default service account",
		"namespace-gone":     "a namespace is deleted, until it is removed",
		"command":            "one command in a container",
		"probe":              "the pods that are tried first are created, until they run; the pull of their images is a part of that",
		"api-server-back":    "the control plane is restarted, until it serves again (level disruptive)",
		"node-back":          "a node is restarted, until it is Ready again (level disruptive)",
		"node-lost":          "a node stops answering, until its pods are marked for deletion (level disruptive)",
		"pods-taken":         "a lost node is declared out of service or its Node object deleted, until its pods are removed (level disruptive)",
	}
	var out []LimitDescription
	defaults := reflect.ValueOf(DefaultLimits())
	for f, value := range defaults.Fields() {
		name := f.Tag.Get("limit")
		out = append(out, LimitDescription{Name: name, Meaning: meanings[name], Default: time.Duration(value.Int())})
	}
	return out
}

// LimitsHelp describes all limits, one a line.
func LimitsHelp() string {
	var b strings.Builder
	for _, l := range DescribedLimits() {
		fmt.Fprintf(&b, "  %-18s  %-5s  %s\n", l.Name, Short(l.Default), l.Meaning)
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// Short writes a time without the parts that are zero, as people type it.
func Short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
