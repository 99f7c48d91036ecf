/*
 * Stands for GnuTLS before a QEMU: it is for connections to the outside, which no machine has; it reads certificates' grammars at each start, and
 * brings four libraries with it. One function is used: random bytes, which come from the kernel here, as they do there. All others fail as GnuTLS fails.
 * `stand-ins.ts` holds what this compiles to, and sees that a QEMU finds all it asks for.
 */

enum { getrandom_ = 318, EINTR = 4 };

/* Of <gnutls/gnutls.h>: "unimplemented feature", "random failed". */
enum { UNIMPLEMENTED = -1250, RANDOM_FAILED = -206 };

static long call3(long number, long a, long b, long c) {
  long result;
  __asm__ volatile("syscall" : "=a"(result) : "a"(number), "D"(a), "S"(b), "d"(c) : "rcx", "r11", "memory");
  return result;
}

/* What QEMU seeds a guest with and names things by. Whoever cannot be given all of it is told. */
int gnutls_rnd(int level, void *data, unsigned long length) {
  (void)level;
  for (char *to = data; length > 0;) {
    long got = call3(getrandom_, (long)to, (long)length, 0);
    if (got == -EINTR) continue;
    if (got <= 0) return RANDOM_FAILED;
    to += got;
    length -= (unsigned long)got;
  }
  return 0;
}

/* QEMU ends unless these succeed, and there is nothing to do. */
int gnutls_global_init(void) { return 0; }
const char *gnutls_strerror(int error) { return (void)error, "this QEMU runs without TLS"; }

/* Of those that give a name or a list: there is none. */
#define NOTHING(name) void *name(void) { return (void *)0; }
NOTHING(gnutls_certificate_get_peers)
NOTHING(gnutls_cipher_suite_info)
NOTHING(gnutls_protocol_get_name)

/* All others: whoever makes credentials or a session is told at its beginning, and so nobody gets further. */
#define FAILS(name) int name(void) { return UNIMPLEMENTED; }
FAILS(gnutls_anon_allocate_client_credentials)
FAILS(gnutls_anon_allocate_server_credentials)
FAILS(gnutls_anon_free_client_credentials)
FAILS(gnutls_anon_free_server_credentials)
FAILS(gnutls_anon_set_server_dh_params)
FAILS(gnutls_certificate_allocate_credentials)
FAILS(gnutls_certificate_free_credentials)
FAILS(gnutls_certificate_server_set_request)
FAILS(gnutls_certificate_set_dh_params)
FAILS(gnutls_certificate_set_x509_crl_file)
FAILS(gnutls_certificate_set_x509_key_file2)
FAILS(gnutls_certificate_set_x509_trust_file)
FAILS(gnutls_certificate_verify_peers2)
FAILS(gnutls_cipher_get)
FAILS(gnutls_cipher_get_key_size)
FAILS(gnutls_credentials_set)
FAILS(gnutls_deinit)
FAILS(gnutls_dh_params_deinit)
FAILS(gnutls_dh_params_generate2)
FAILS(gnutls_dh_params_import_pkcs3)
FAILS(gnutls_dh_params_init)
FAILS(gnutls_handshake)
FAILS(gnutls_init)
FAILS(gnutls_priority_deinit)
FAILS(gnutls_priority_get_cipher_suite_index)
FAILS(gnutls_priority_init)
FAILS(gnutls_priority_set_direct)
FAILS(gnutls_psk_allocate_client_credentials)
FAILS(gnutls_psk_allocate_server_credentials)
FAILS(gnutls_psk_free_client_credentials)
FAILS(gnutls_psk_free_server_credentials)
FAILS(gnutls_psk_set_client_credentials)
FAILS(gnutls_psk_set_server_credentials_file)
FAILS(gnutls_psk_set_server_dh_params)
FAILS(gnutls_record_get_direction)
FAILS(gnutls_record_recv)
FAILS(gnutls_record_send)
FAILS(gnutls_transport_set_ptr)
FAILS(gnutls_transport_set_pull_function)
FAILS(gnutls_transport_set_push_function)
FAILS(gnutls_x509_crt_check_hostname)
FAILS(gnutls_x509_crt_deinit)
FAILS(gnutls_x509_crt_get_activation_time)
FAILS(gnutls_x509_crt_get_basic_constraints)
FAILS(gnutls_x509_crt_get_dn)
FAILS(gnutls_x509_crt_get_expiration_time)
FAILS(gnutls_x509_crt_get_key_purpose_oid)
FAILS(gnutls_x509_crt_get_key_usage)
FAILS(gnutls_x509_crt_import)
FAILS(gnutls_x509_crt_init)
FAILS(gnutls_x509_crt_list_import)
FAILS(gnutls_x509_crt_list_verify)
