package preflight

import (
	"context"
	"fmt"
	"strings"
	"sync"

	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func user(ctx context.Context, client kubernetes.Interface) string {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	return review.Status.UserInfo.Username
}

// atOnce bounds the questions that are open at a time.
const atOnce = 16

// findRights asks for each verb of each right by itself: an account may have any part of them.
func findRights(ctx context.Context, client kubernetes.Interface, s runconfig.Settings, f *Findings) {
	if len(s.Namespaces) == 0 {
		findRightsIn(ctx, client, "", rbac.All(), f)
		return
	}
	for _, name := range s.Namespaces {
		findRightsIn(ctx, client, name, rbac.Namespaced(), f)
	}
}

// findRightsIn asks of one namespace, or of all if its name is empty.
func findRightsIn(ctx context.Context, client kubernetes.Interface, namespace string, all []rbac.Right, f *Findings) {
	missing := make([][]string, len(all))
	var mu sync.Mutex
	var failed error
	var done sync.WaitGroup
	open := make(chan struct{}, atOnce)
	for i, r := range all {
		missing[i] = make([]string, len(r.Verbs))
		for j, verb := range r.Verbs {
			open <- struct{}{}
			done.Go(func() {
				defer func() { <-open }()
				ok, err := may(ctx, client, namespace, r, verb)
				if err != nil {
					mu.Lock()
					defer mu.Unlock()
					failed = err
				} else if !ok {
					missing[i][j] = verb
				}
			})
		}
	}
	done.Wait()
	if failed != nil {
		f.add(Problem{Usage: apierrors.IsForbidden(failed), Text: oneLine(fmt.Sprintf("rights: expected the API server to say what the account may do, "+
			"found: %v; bind the ClusterRole system:basic-user, or put credentials into the kubeconfig", failed))})
		return
	}
	problems, notes := checkRights(f.User, namespace, all, missing)
	f.add(problems...)
	f.Notes = append(f.Notes, notes...)
}

func may(ctx context.Context, client kubernetes.Interface, namespace string, r rbac.Right, verb string) (bool, error) {
	resource, sub, _ := strings.Cut(r.Resource, "/")
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Group: r.Group, Resource: resource, Subresource: sub, Verb: verb,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// checkRights makes a line of each right that lacks verbs; missing holds a right's lacking verbs, empty where there is none.
func checkRights(user, namespace string, all []rbac.Right, missing [][]string) (problems []Problem, notes []string) {
	if user == "" {
		user = "the account"
	}
	where, file := "", "rbac.yaml"
	if namespace != "" {
		where, file = " in namespace "+namespace, "rbac-namespaced.yaml"
	}
	for i, r := range all {
		var verbs []string
		for _, v := range missing[i] {
			if v != "" {
				verbs = append(verbs, v)
			}
		}
		switch line := fmt.Sprintf("rights: expected %s to be allowed to %s %s%s (%s), found it is not", user, strings.Join(verbs, ", "), r.Name(), where, r.Why); {
		case len(verbs) == 0:
		case r.ForReport:
			notes = append(notes, line+": the report will lack that")
		default:
			problems = append(problems, Problem{Usage: true, Text: line + ": grant it, as e2e/deploy/" + file + " does"})
		}
	}
	return problems, notes
}
