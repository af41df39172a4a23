package preflight

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"
	authenticationv1 "k8s.io/api/authentication/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"

	"github.com/hero-academy/statefulset-conformance/e2e/internal/rbac"
	"github.com/hero-academy/statefulset-conformance/e2e/internal/runconfig"
)

func userName(ctx context.Context, client kubernetes.Interface) string {
	review, err := client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return ""
	}
	return review.Status.UserInfo.Username
}

// maxConcurrent bounds the concurrent access reviews.
const maxConcurrent = 16

// findRights reviews each verb of each right by itself, since an account may have any part of them.
func findRights(ctx context.Context, client kubernetes.Interface, s runconfig.Settings, f *Findings) {
	if len(s.Namespaces) == 0 {
		findRightsIn(ctx, client, "", s.Rights(), f)
		return
	}
	for _, name := range s.Namespaces {
		findRightsIn(ctx, client, name, s.Rights(), f)
	}
}

// findRightsIn reviews the rights in one namespace, or in all if its name is empty.
func findRightsIn(ctx context.Context, client kubernetes.Interface, namespace string, all []rbac.Right, f *Findings) {
	missing := make([][]string, len(all))
	var reviews errgroup.Group
	reviews.SetLimit(maxConcurrent)
	for i, r := range all {
		missing[i] = make([]string, len(r.Verbs))
		for j, verb := range r.Verbs {
			reviews.Go(func() error {
				ok, err := allowed(ctx, client, namespace, r, verb)
				if err == nil && !ok {
					missing[i][j] = verb
				}
				return err
			})
		}
	}
	if err := reviews.Wait(); err != nil {
		f.add(Problem{Usage: apierrors.IsForbidden(err), Text: oneLine(fmt.Sprintf("rights: expected the API server to say what the account may do, "+
			"found: %v; bind the ClusterRole system:basic-user, or put credentials into the kubeconfig", err))})
		return
	}
	problems, notes := checkRights(f.User, namespace, all, missing)
	f.add(problems...)
	f.Notes = append(f.Notes, notes...)
}

// allowed reports whether the account has a verb of a right in a namespace, or in the right's own one, on all of its names.
func allowed(ctx context.Context, client kubernetes.Interface, namespace string, r rbac.Right, verb string) (bool, error) {
	if len(r.Names) == 0 {
		return allowedOn(ctx, client, cmp.Or(r.Namespace, namespace), "", r, verb)
	}
	for _, name := range r.Names {
		if ok, err := allowedOn(ctx, client, cmp.Or(r.Namespace, namespace), name, r, verb); err != nil || !ok {
			return false, err
		}
	}
	return true, nil
}

func allowedOn(ctx context.Context, client kubernetes.Interface, namespace, name string, r rbac.Right, verb string) (bool, error) {
	resource, sub, _ := strings.Cut(r.Resource, "/")
	review, err := client.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, &authorizationv1.SelfSubjectAccessReview{
		Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Name: name, Group: r.Group, Resource: resource, Subresource: sub, Verb: verb,
		}},
	}, metav1.CreateOptions{})
	if err != nil {
		return false, err
	}
	return review.Status.Allowed, nil
}

// checkRights returns a line for each right with missing verbs. missing holds those of each right; an empty one is not missing.
func checkRights(user, namespace string, all []rbac.Right, missing [][]string) (problems []Problem, notes []string) {
	if user == "" {
		user = "the account"
	}
	manifest := "rbac"
	if namespace != "" {
		manifest = "rbac-namespaced"
	}
	for i, r := range all {
		where := ""
		if in := cmp.Or(r.Namespace, namespace); in != "" {
			where = " in namespace " + in
		}
		var verbs []string
		for _, v := range missing[i] {
			if v != "" {
				verbs = append(verbs, v)
			}
		}
		switch line := fmt.Sprintf("rights: expected %s to be allowed to %s %s%s (%s), found it is not", user, strings.Join(verbs, ", "), r.Name(), where, r.Why); {
		case len(verbs) == 0:
		case r.ForReport:
			notes = append(notes, line+": the run does without")
		case r.Resource == rbac.PullSecret().Resource, r.Resource == rbac.Workload().Resource:
			problems = append(problems, Problem{Usage: true, Text: line + ": grant it, with kubectl create clusterrole --verb=" +
				strings.Join(r.Verbs, ",") + " --resource=" + r.Name() + " and a binding of it"})
		default:
			problems = append(problems, Problem{Usage: true, Text: line + `: grant it, as what "conformance manifests ` + manifest + `" prints does`})
		}
	}
	return problems, notes
}
