package faults

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/contract"
)

// apiServer are faults of the API server: it takes a set for another than it was sent. A mutating policy would be another cause, which the suite
// blames on nobody.
func apiServer() []Fault {
	return []Fault{{
		Name: "api-fills-in-less", Kind: Subtle, Breaks: []contract.ID{contract.APIDefaults},
		Harm: "Fewer old versions are kept than the documentation says.",
		Request: ofSets(http.MethodPost, func(body []byte) []byte {
			if bytes.Contains(body, []byte(`"revisionHistoryLimit"`)) {
				return body
			}
			return bytes.Replace(body, []byte(`"spec":{`), []byte(`"spec":{"revisionHistoryLimit":3,`), 1)
		}),
	}, {
		Name: "api-corrects-invalid", Kind: Subtle, Breaks: []contract.ID{contract.APIInvalid},
		Harm:    "What makes no sense is taken for something that does, and nobody learns of the mistake.",
		Request: ofSets(http.MethodPost, swap(`"replicas":-1`, `"replicas":0`)),
	}, {
		Name: "api-reverts", Kind: Subtle, Breaks: []contract.ID{contract.APIImmutable},
		Harm:    "A change that cannot be made is accepted and forgotten.",
		Request: ofSets(http.MethodPut, swap(`"serviceName":"other"`, `"serviceName":"set"`)),
	}, {
		Name: "api-corrects-changes", Kind: Subtle, Breaks: []contract.ID{contract.APIInvalid},
		Harm:    "A change that makes no sense is taken for one that takes all members away.",
		Request: ofSets(http.MethodPut, swap(`"replicas":-1`, `"replicas":0`)),
	}, {
		Name: "api-corrects-policies", Kind: Subtle, Breaks: []contract.ID{contract.APIInvalid},
		Harm:    "Who mistypes that volumes are to go with their members is not told, and they stay and are paid for.",
		Request: ofSets("", swap(`"whenScaled":"Backwards"`, `"whenScaled":"Retain"`)),
	}, {
		Name: "api-fills-in-more", Kind: Subtle, Breaks: []contract.ID{contract.APIDefaults},
		Harm: "Who lets volumes go with members that are removed loses those of a set that is deleted as well.",
		Request: ofSets(http.MethodPost, swap(`"persistentVolumeClaimRetentionPolicy":{"whenScaled":"Delete"}`,
			`"persistentVolumeClaimRetentionPolicy":{"whenDeleted":"Delete","whenScaled":"Delete"}`)),
	}, {
		Name: "api-none-is-unset", Kind: Subtle, Breaks: []contract.ID{contract.APIDefaults},
		Harm:    "Old versions that nobody wanted to be kept are kept.",
		Request: ofSets(http.MethodPost, swap(`"revisionHistoryLimit":0`, `"revisionHistoryLimit":10`)),
	}, {
		Name: "api-reverts-size", Kind: Subtle, Breaks: []contract.ID{contract.APIImmutable},
		Harm:    "Who makes the volumes of a set larger is told that it was done, and it was not.",
		Request: ofSets(http.MethodPut, swap(`"storage":"33Mi"`, `"storage":"16Mi"`)),
	}, {
		Name: "api-loses-ordinals", Kind: Obvious, Breaks: []contract.ID{contract.APIMutable},
		Shows:   []contract.ID{contract.IdentityStartOrdinal},
		Harm:    "A set that is to be moved to another cluster ordinal by ordinal begins at 0 there.",
		Request: ofSets("", swap(`"ordinals":`, `"unknown":`)),
	}, {
		Name: "api-loses-retention", Kind: Subtle, Breaks: []contract.ID{contract.APIMutable},
		Harm:    "Volumes that were to go with their set stay and are paid for.",
		Request: ofSets("", swap(`"persistentVolumeClaimRetentionPolicy":`, `"unknown":`)),
	}, {
		Name: "api-forbids-change", Kind: Obvious, Breaks: []contract.ID{contract.APIMutable},
		Harm:    "A field that may be changed cannot be.",
		Request: ofSets(http.MethodPut, swap(`"minReadySeconds":1`, `"minReadySeconds":-1`)),
	}, {
		Name: "api-keeps-collection", Kind: Obvious, Breaks: []contract.ID{contract.APICollection},
		Harm: "Sets that are deleted by label stay.",
		Request: ofSets(http.MethodDelete, func([]byte) []byte {
			return []byte(`{"kind":"DeleteOptions","apiVersion":"v1","dryRun":["All"]}`)
		}),
	}, {
		Name: "api-orphans-unasked", Kind: Subtle, Breaks: []contract.ID{contract.TerminationCascade},
		Harm: "Who deletes a set without a word on its members leaves them running.",
		Request: ofSets(http.MethodDelete, func(body []byte) []byte {
			if bytes.Contains(body, []byte(`"propagationPolicy"`)) {
				return body
			}
			return bytes.Replace(body, []byte(`{`), []byte(`{"propagationPolicy":"Orphan",`), 1)
		}),
	}, {
		Name: "api-waits-for-the-lost", Kind: Obvious, Breaks: []contract.ID{contract.IdentityForceDelete},
		Harm: "A member on a node that is lost for good cannot be given up.",
		Request: func(r *http.Request, body []byte) []byte {
			if r.Method != http.MethodDelete || !strings.Contains(r.URL.Path, "/pods/") {
				return body
			}
			return swap(`"gracePeriodSeconds":0`, `"gracePeriodSeconds":30`)(body)
		},
	}, {
		Name: "api-restarts-always", Kind: Obvious, Breaks: []contract.ID{contract.APIRestartPolicy},
		Harm: "A template whose pods were meant to end is accepted, and they run for ever.",
		Request: ofSets(http.MethodPost, func(body []byte) []byte {
			return swap(`"restartPolicy":"Never"`, `"restartPolicy":"Always"`)(swap(`"restartPolicy":"OnFailure"`, `"restartPolicy":"Always"`)(body))
		}),
	}, {
		Name: "api-wants-a-service", Kind: Obvious, Breaks: []contract.ID{contract.APINoServiceName},
		Harm: "A set that needs no names in DNS cannot be made.",
		Request: ofSets(http.MethodPost, func(body []byte) []byte {
			if bytes.Contains(body, []byte(`"serviceName":"`)) && !bytes.Contains(body, []byte(`"serviceName":""`)) {
				return body
			}
			return swap(`"spec":{"replicas":`, `"spec":{"replicas":-`)(body)
		}),
	}, {
		Name: "api-allows-one", Kind: Obvious, Breaks: []contract.ID{contract.APIMaxUnavailable},
		Harm:    "A rollout that was to take nobody down is accepted, and takes somebody down.",
		Request: ofSets(http.MethodPost, swap(`"maxUnavailable":0`, `"maxUnavailable":1`)),
	}, {
		Name: "api-counts-every-apply", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyNoop},
		Harm:    "Whatever is applied, changed or not, is a change.",
		Request: ofApplied(countUp()),
	}, {
		Name: "api-keeps-replicas", Kind: Subtle, Breaks: []contract.ID{contract.APIApplyConflict},
		Harm: "Who takes back the number of members by force is told that it was done, and it was not.",
		Request: ofApplied(func(r *http.Request, body []byte) []byte {
			if r.URL.Query().Get("force") != "true" {
				return body
			}
			return swap(`"replicas":1`, `"replicas":3`)(body)
		}),
	}, {
		Name: "api-unscales", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyScale},
		Harm: "Whatever is applied undoes what an autoscaler has done.",
		Request: ofApplied(func(r *http.Request, body []byte) []byte {
			if bytes.Contains(body, []byte(`"replicas"`)) {
				return body
			}
			r.URL.RawQuery = strings.ReplaceAll(r.URL.RawQuery, "force=false", "force=true")
			return swap(`"spec":{"minReadySeconds"`, `"spec":{"replicas":1,"minReadySeconds"`)(body)
		}),
	}, {
		Name: "api-never-removes", Kind: Obvious, Breaks: []contract.ID{contract.APIApplyRemoves},
		Harm: "What is taken out of a manifest stays in force.",
		Request: ofApplied(func(_ *http.Request, body []byte) []byte {
			if bytes.Contains(body, []byte(`"minReadySeconds"`)) {
				return body
			}
			return bytes.Replace(body, []byte(`"spec":{`), []byte(`"spec":{"minReadySeconds":1,`), 1)
		}),
	}}
}

// ofApplied changes the bodies of requests that apply a StatefulSet.
func ofApplied(change func(*http.Request, []byte) []byte) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		if !strings.Contains(r.URL.Path, "/statefulsets") || !strings.Contains(r.Header.Get("Content-Type"), "apply-patch") {
			return body
		}
		return change(r, body)
	}
}

// countUp has each request ask for another minReadySeconds than the one before, where it asks for 1.
func countUp() func(*http.Request, []byte) []byte {
	var n atomic.Int32
	return func(_ *http.Request, body []byte) []byte {
		return swap(`"minReadySeconds":1`, fmt.Sprintf(`"minReadySeconds":%d`, n.Add(1)))(body)
	}
}

// ofSets changes the bodies of requests for StatefulSets, by their method; "" means any.
func ofSets(method string, change func([]byte) []byte) func(*http.Request, []byte) []byte {
	return func(r *http.Request, body []byte) []byte {
		if method != "" && r.Method != method || !strings.Contains(r.URL.Path, "/statefulsets") {
			return body
		}
		return change(body)
	}
}

// swap replaces a text by another.
func swap(old, text string) func([]byte) []byte {
	return func(body []byte) []byte { return bytes.ReplaceAll(body, []byte(old), []byte(text)) }
}
