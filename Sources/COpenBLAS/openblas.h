// OpenBLAS: the matrix products of cblas.h and the few LAPACK routines that the package calls.
#ifndef COPENBLAS_OPENBLAS_H
#define COPENBLAS_OPENBLAS_H

#if !__has_include(<cblas.h>)
#error "OpenBLAS was not found. Install it: 'sudo apt install libopenblas-dev pkg-config' (Debian, Ubuntu), 'sudo dnf install openblas-devel' (Fedora) or 'brew install openblas' (macOS)."
#else

#include <cblas.h>

#ifdef __cplusplus
extern "C" {
#endif

// LAPACK in its Fortran spelling: matrices are column-major, every argument is a pointer, info is 0 on success and −i when
// argument i is illegal. With lwork = −1 a routine only writes the best size of its work array to work[0].

/// Householder QR of a (m × n): R on and above the diagonal, the reflectors v_i below it, their factors in tau (min(m, n)).
void sgeqrf_(const int *m, const int *n, float *a, const int *lda, float *tau, float *work, const int *lwork, int *info);
void dgeqrf_(const int *m, const int *n, double *a, const int *lda, double *tau, double *work, const int *lwork, int *info);

/// Expands the first k reflectors of geqrf in a into the m × n matrix Q with orthonormal columns.
void sorgqr_(const int *m, const int *n, const int *k, float *a, const int *lda, const float *tau, float *work,
             const int *lwork, int *info);
void dorgqr_(const int *m, const int *n, const int *k, double *a, const int *lda, const double *tau, double *work,
             const int *lwork, int *info);

/// Singular values s (descending), left vectors u and transposed right vectors vt of a (m × n), by divide and conquer.
/// jobz 'S' gives the thin factors; iwork holds 8·min(m, n).
void sgesdd_(const char *jobz, const int *m, const int *n, float *a, const int *lda, float *s, float *u, const int *ldu,
             float *vt, const int *ldvt, float *work, const int *lwork, int *iwork, int *info);
void dgesdd_(const char *jobz, const int *m, const int *n, double *a, const int *lda, double *s, double *u, const int *ldu,
             double *vt, const int *ldvt, double *work, const int *lwork, int *iwork, int *info);

/// Solves op(a)·X = b for n right-hand sides, a triangular m × m (uplo 'U' or 'L', trans 'N' or 'T', diag 'N' or 'U').
void strtrs_(const char *uplo, const char *trans, const char *diag, const int *n, const int *nrhs, const float *a,
             const int *lda, float *b, const int *ldb, int *info);

#ifdef __cplusplus
}
#endif

#endif
#endif
