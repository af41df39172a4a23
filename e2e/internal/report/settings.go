package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

// Settings are the settings of the run that decide what it checks, and with which objects.
type Settings struct {
	Level  contract.Level `json:"level"`
	Focus  string         `json:"focus,omitempty"`
	Labels string         `json:"labels,omitempty"`
	// HeldTo is a later version of Kubernetes whose promises the cluster was held to.
	HeldTo       string `json:"heldTo,omitempty"`
	NginxImage   string `json:"nginxImage"`
	BusyboxImage string `json:"busyboxImage"`
	// EtcdImage is that of the level workload.
	EtcdImage string `json:"etcdImage,omitempty"`
	// EarlierEtcdImage is the one that the level's update begins with.
	EarlierEtcdImage string `json:"earlierEtcdImage,omitempty"`
	// PostgresImage is that of the other database of the level.
	PostgresImage string `json:"postgresImage,omitempty"`
	// Limits are those that differ from the defaults, as name=duration.
	Limits []string `json:"limits,omitempty"`
	// TimeLimit is when the run was to be cut short; reports of older suites lack it.
	TimeLimit string `json:"timeLimit,omitempty"`
	// Retries is how often a spec was repeated at most that other clients disturbed.
	Retries int `json:"retries,omitempty"`
	// Scale is how many pods the specs of scale had.
	Scale int `json:"scale,omitempty"`
	// PodPatch is the strategic merge patch that was applied to the templates of all pods, without values of annotations.
	PodPatch map[string]any `json:"podPatch,omitempty"`
	// ClaimSize is the least that claims asked for, where it is not the suite's own.
	ClaimSize string `json:"claimSize,omitempty"`
	// PullSecret says that pods had a secret with a person's credentials of registries.
	PullSecret bool `json:"pullSecret,omitempty"`
	// NamespaceLabels are further ones of the run's namespaces, NamespaceAnnotations the keys of further ones.
	NamespaceLabels      map[string]string `json:"namespaceLabels,omitempty"`
	NamespaceAnnotations []string          `json:"namespaceAnnotations,omitempty"`
	// File are the settings that a settings file gave, as name=value, without those values that no report holds.
	File []string `json:"file,omitempty"`
}

// SettingsOf returns what a report says of the settings of a run.
func SettingsOf(s runconfig.Settings) Settings {
	s = s.Published()
	out := Settings{
		Level: s.Level, Focus: s.Focus, Labels: s.Labels, HeldTo: s.HeldTo, NginxImage: s.Images.Nginx, BusyboxImage: s.Images.Busybox, EtcdImage: s.Etcd(), EarlierEtcdImage: s.Images.EarlierEtcd, PostgresImage: s.Images.Postgres, Limits: s.Limits.Changed(), Retries: s.Retries,
		PodPatch: s.PodPatch, PullSecret: s.PullSecret != "", NamespaceLabels: s.NamespaceLabels, NamespaceAnnotations: slices.Sorted(maps.Keys(s.NamespaceAnnotations)),
		File: s.FromFile,
	}
	if s.Scale != nil {
		out.Scale = s.Scale.Pods
	}
	if s.TimeLimit > 0 {
		out.TimeLimit = s.TimeLimit.String()
	}
	if s.ClaimSize != nil {
		out.ClaimSize = s.ClaimSize.String()
	}
	return out
}

// Adapted says in a line each what a person had changed of the suite's objects, or added to them.
func (s Settings) Adapted() []string {
	var out []string
	if len(s.PodPatch) > 0 {
		patch, err := json.Marshal(s.PodPatch)
		if err != nil {
			patch = []byte(err.Error())
		}
		out = append(out, "all pods with the patch "+string(patch))
	}
	if s.Scale > 0 {
		out = append(out, fmt.Sprintf("specs of scale with %d pods", s.Scale))
	}
	if s.ClaimSize != "" {
		out = append(out, "claims of "+s.ClaimSize+" and more")
	}
	if s.PullSecret {
		out = append(out, "a pull secret in each namespace")
	}
	if len(s.NamespaceLabels) > 0 {
		var pairs []string
		for _, key := range slices.Sorted(maps.Keys(s.NamespaceLabels)) {
			pairs = append(pairs, key+"="+s.NamespaceLabels[key])
		}
		out = append(out, "namespaces with the labels "+strings.Join(pairs, ", "))
	}
	if len(s.NamespaceAnnotations) > 0 {
		out = append(out, fmt.Sprintf("namespaces with the annotations %s", strings.Join(s.NamespaceAnnotations, ", ")))
	}
	return out
}
