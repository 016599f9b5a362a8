\restrict k1
select ä as "日"; /* 💩 */
\unrestrict k1
